"""Puts the demo's customers, charges and subscriptions into an empty localstripe, inside its own process.

Nothing is written to disk in between: the store is saved whole, so what is half filled is never found again.
"""

from localstripe import resources

from config.demo.payments.accounts import PLAN, Account, Payment, accounts, payments

CARD = {"number": "4242424242424242", "exp_month": "12", "exp_year": "2040", "cvc": "123"}


def fill() -> None:
    """Make everything; to be called where an event loop runs, and nothing is in the store yet."""
    name, amount = PLAN
    product = resources.Product(name=name, type="service").id
    plans: dict[str, str] = {}
    customers: dict[int, tuple[Account, str, str]] = {}
    for account in accounts():
        customer, card = _customer(account)
        customers[account.number] = (account, customer, card)
        if account.subscribes:
            plan = (
                plans.setdefault(account.currency, "")
                or resources.Plan(product=product, amount=amount, currency=account.currency, interval="month").id
            )
            plans[account.currency] = plan
            resources.Subscription(customer=customer, items=[{"plan": plan}])
    for payment in payments():
        _charge(payment, *customers[payment.customer])


def _customer(account: Account) -> tuple[str, str]:
    """Make a customer with a card, and return their ids."""
    card = resources.PaymentMethod(type="card", card=dict(CARD)).id
    customer = resources.Customer(name=account.name, email=account.email, payment_method=card).id
    resources.Customer._api_update(customer, invoice_settings={"default_payment_method": card})
    return customer, card


def _charge(payment: Payment, account: Account, customer: str, card: str) -> None:
    made = resources.Charge._api_create(
        amount=payment.amount,
        currency=account.currency,
        customer=customer,
        source=card,
        description=payment.description,
    )
    made.created = payment.at
    if payment.refunded:
        resources.Refund(charge=made.id, amount=payment.refunded)
