"""The main story, played against the running demo as people, programs and colleagues would, and compared with what is
promised.

``python -m config.demo.story`` needs the demo's environment (``make demo-headless`` gives it). Everything is done
from outside: the console's own forms, the HTTP API, SQL in the CRM, the mail server's inbox. Only the cast (a service
account with its key, a stranger, two more agents) is engaged through the product's operations, and the worker is killed
by the number that it registered with. Customers are picked from the CRM as it is; no text of the demo is relied on.
"""
