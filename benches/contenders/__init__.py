"""Who is measured by `queue`: each fills a queue, drains it and sends single tasks through it."""
