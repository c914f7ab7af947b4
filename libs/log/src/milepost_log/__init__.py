"""The log and the queues on Redis Streams, with their Lua scripts; imports no service."""
