"""Who is measured: each fills a queue, drains it and sends single tasks, or lets pages follow."""
