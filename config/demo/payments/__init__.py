"""The demo's outside payment system: localstripe, behind a proxy that keeps Stripe's rules where localstripe does not.

``python -m config.demo.payments --port 8420 --folder var/payments``. It moves no money and listens on loopback only.
Countersign knows it as it knows Stripe: by an address, a key, and Stripe's API.
"""
