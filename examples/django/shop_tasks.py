"""The shop's task."""

import time

from milepost import Progress, task


@task("shop.invoices", title="Print invoices")
def print_invoices(month: str, progress: Progress) -> dict[str, int]:
    """Print the invoices of a month."""
    count = 5
    for number in progress.track(range(1, count + 1), message=f"printing those of {month}"):
        time.sleep(0.2)  # a printer takes its time
        progress.log(f"invoice {number} is printed")
    return {"printed": count}
