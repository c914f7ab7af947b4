"""The task types that ship with Milepost."""
