"""The payment system's deployment: every queue, rule, store and topic, as data.

This is the only place where the services are wired.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import Field

from sagakit.contract.deployment import Deployment, Function, Participant, Queue, Rule, Table, Topic
from sagakit.contract.events import Event
from sagakit.contract.ports import Ports, Service
from sagakit.contract.timing import Count, Milliseconds, Timing
from sagakit.contract.validation import BadScenario, Validated
from sagakit.payments import events as e
from sagakit.payments.api import ApiGateway
from sagakit.payments.breaker import Breaker, CircuitBreaker
from sagakit.payments.notification import NotificationService
from sagakit.payments.payment import Payment, PaymentService
from sagakit.payments.provider import Charge, ProviderGateway
from sagakit.payments.recovery import RecoverableWalletService
from sagakit.payments.wallet import Wallet

PROVIDER = "External Provider API"
GATEWAY_TIMEOUT = 10_000  # ms

LANES = (
    "Operator", "User", "API Gateway", "Payment Service", "Payment SQS", "Payments DB",
    "EventBridge", "Wallet SQS", "Wallet Service", "Wallet DB", "Snapshot Store", "Event Store",
    "Provider SQS", "Provider Retry SQS", "Provider Gateway", "Provider DB", "Breaker DB",
    PROVIDER, "SNS Topic", "Email Lambda", "WebSocket Service", "Push Lambda",
)  # fmt: skip


class Settings(Validated):
    """The services' settings. Times in ms; a queue delays by 1 to 900 s (SQS: `DelaySeconds`).

    provider_visibility   for how long a message that the gateway has received is hidden; AWS
                          advises 6 times the function's timeout (SQS: 0 s to 12 h; here from 1 s)
    """

    provider_timeout: Annotated[Milliseconds, Field(ge=1)] = 5_000
    provider_attempts: Count = 2
    retry_delay: Annotated[Milliseconds, Field(ge=1_000, le=900_000)] = 60_000
    breaker_threshold: Count = 5
    breaker_open_for: Annotated[Milliseconds, Field(ge=1)] = 30_000
    gateway_concurrency: Count = 10
    wallet_batch: Count = 1
    wallet_reports: Annotated[bool, Field(strict=True)] = True
    provider_visibility: Annotated[Milliseconds, Field(ge=1_000, le=43_200_000)] = 60_000


ITEMS: dict[str, type] = {
    "Payments DB": Payment,
    "Wallet DB": Wallet,
    "Provider DB": Charge,
    "Breaker DB": Breaker,
}
"""The type of what each store keeps"""

EVENTS = [each for each in vars(e).values() if isinstance(each, type) and issubclass(each, Event)]
"""The types of what travels"""

SOUND: dict[str, Service] = {
    "API Gateway": ApiGateway,
    "Payment Service": PaymentService,
    "Wallet Service": RecoverableWalletService,
    "Provider Gateway": ProviderGateway,
}


def payment_system(
    settings: Settings | None = None,
    *,
    timing: Timing | None = None,
    services: Mapping[str, Service] | None = None,
) -> Deployment:
    """Return the deployment. `services` puts others in the place of the sound services, by name: a
    class gets the ports that the sound one gets; a function builds the service from all ports.

    Raises `BadScenario` for what are no settings, and `ValueError` for an unknown service.
    """
    if settings is not None and not isinstance(settings, Settings):
        raise BadScenario(f"settings: give Settings(...), not {settings!r:.40}")
    if not isinstance(services or {}, Mapping):
        raise BadScenario(f"services: give a dict, {{name: class}}, not {services!r:.40}")
    settings = settings or Settings()
    for name in services or {}:
        if name not in SOUND:
            raise ValueError(f"no service {name!r} to replace: use one of {', '.join(SOUND)}")
    implementations = {**SOUND, **(services or {})}

    def build(name: str, wire: Callable[[Any, Ports], object]) -> Callable[[Ports], object]:
        service = implementations[name]
        return (lambda ports: wire(service, ports)) if isinstance(service, type) else service

    def wallet_service(cls: Any, ports: Ports) -> object:
        wallets = ports.store("Wallet DB")
        if not issubclass(cls, RecoverableWalletService):
            return cls(wallets)
        archive = ports.archive("Wallet DB", "Snapshot Store", "Event Store")
        return cls(wallets, archive, ports.intake, ports.person("Operator"))

    def provider_gateway(cls: Any, ports: Ports) -> object:
        breaker = CircuitBreaker(
            ports.store("Breaker DB"),
            ports.clock,
            threshold=settings.breaker_threshold,
            open_for=settings.breaker_open_for,
            lease=GATEWAY_TIMEOUT,
        )
        return cls(
            ports.store("Provider DB"),
            breaker,
            ports.external(PROVIDER),
            attempts=settings.provider_attempts,
            retry_delay=settings.retry_delay,
            timeout=settings.provider_timeout,
        )

    def channel(sends: str) -> Callable[[Ports], object]:
        return lambda ports: NotificationService(ports.person("User"), sends)

    visibility = settings.provider_visibility
    notification = {
        "Email Lambda": "Send email (SES)",
        "WebSocket Service": "Send WebSocket message",
        "Push Lambda": "Send push notification",
    }
    return Deployment(
        functions=(
            Function(
                name="API Gateway",
                build=build("API Gateway", lambda cls, ports: cls(ports.caller("Payment Service"))),
                timeout=29_000,
                concurrency=1_000,
            ),
            Function(
                name="Payment Service",
                domain="Payment",
                build=build("Payment Service", lambda cls, ports: cls(ports.store("Payments DB"))),
                queues=("Payment SQS",),
            ),
            Function(
                name="Wallet Service",
                domain="Wallet",
                build=build("Wallet Service", wallet_service),
                queues=("Wallet SQS",),
                batch=settings.wallet_batch,
                reports=settings.wallet_reports,
                calls=(e.PaymentInit,),
            ),
            Function(
                name="Provider Gateway",
                domain="Provider",
                build=build("Provider Gateway", provider_gateway),
                queues=("Provider SQS", "Provider Retry SQS"),
                retry_queue="Provider Retry SQS",
                timeout=GATEWAY_TIMEOUT,
                concurrency=settings.gateway_concurrency,
                calls=(e.ProviderPaymentInit,),
                client_timeout=settings.provider_timeout,
                client_attempts=settings.provider_attempts,
                client_delay=settings.retry_delay,
            ),
            *(
                Function(
                    name=name,
                    domain="Notification",
                    build=channel(sends),
                    invocation="Push message" if name == "WebSocket Service" else "Invoke Lambda",
                )
                for name, sends in notification.items()
            ),
        ),
        queues=(
            Queue(name="Payment SQS", domain="Payment"),
            Queue(name="Wallet SQS", domain="Wallet"),
            Queue(name="Provider SQS", domain="Provider", visibility=visibility),
            Queue(name="Provider Retry SQS", domain="Provider", visibility=visibility),
        ),
        rules=(
            Rule(event=e.PaymentInit, target="Wallet SQS"),
            Rule(event=e.BalanceDebited, target="Provider SQS", rename=e.ProviderPaymentInit),
            Rule(event=e.InsufficientBalance, target="Payment SQS"),
            Rule(event=e.ProviderPaymentSuccess, target="Payment SQS"),
            Rule(event=e.ProviderPaymentFailed, target="Payment SQS"),
            Rule(event=e.ReembolsarUsuario, target="Wallet SQS"),
            Rule(event=e.BalanceRefunded, target="Payment SQS"),
            Rule(event=e.PaymentCompleted, target="SNS Topic"),
            Rule(event=e.PaymentFailed, target="SNS Topic"),
        ),
        topics=(Topic(name="SNS Topic", domain="Notification", subscribers=tuple(notification)),),
        tables=(
            Table(name="Payments DB", owner="Payment Service", domain="Payment"),
            Table(name="Wallet DB", owner="Wallet Service", domain="Wallet"),
            Table(name="Provider DB", owner="Provider Gateway", domain="Provider"),
            Table(name="Breaker DB", owner="Provider Gateway", domain="Provider"),
        ),
        others=(
            Participant("User", "actor"),
            Participant("Operator", "actor"),
            Participant(PROVIDER, "external", "Provider"),
            Participant("Snapshot Store", "store"),
            Participant("Event Store", "store"),
        ),
        lanes=LANES,
        timing=timing or Timing(),
        settings=settings,
    )
