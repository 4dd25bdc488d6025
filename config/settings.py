"""Every setting of Countersign, read from the environment; ``docs/settings.md`` explains each."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from csp.constants import NONE, SELF

from config import env, logs

BASE_DIR = Path(__file__).resolve().parent.parent
VAR = Path(env.text("VAR_DIR", str(BASE_DIR / "var")))
TESTING = bool(env.text("PYTEST_VERSION"))
if not TESTING:
    env.use_recorded(VAR / "services.json", VAR / "keys.json")

# Who we are and what we keep secret; config.checks refuses to serve where these are missing

UNSET_SECRET_KEY = "insecure-until-set"  # noqa: S105 - the name of the gap, which config.checks refuses to serve with
SECRET_KEY = env.text("SECRET_KEY", UNSET_SECRET_KEY)
SECRET_KEY_FALLBACKS = env.names("SECRET_KEY_FALLBACKS")
DEBUG = env.flag("DEBUG")
ALLOWED_HOSTS = env.names("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]" + (",testserver" if TESTING else ""))
ENCRYPTION_KEYS = env.names("ENCRYPTION_KEYS")
LEDGER_SIGNING_KEY = env.text("LEDGER_SIGNING_KEY")
LEDGER_PUBLIC_KEYS = env.names("LEDGER_PUBLIC_KEYS")
LEDGER_WITNESS_FILE = env.text("LEDGER_WITNESS_FILE")
LEDGER_APPLICATION_ROLE = env.text("LEDGER_APPLICATION_ROLE", "countersign")
OUTBOUND_ALLOWED = env.names("OUTBOUND_ALLOWED")

# Runs and actions: how long a clearance lasts, and when a worker counts as dead

CLEARANCE_SECONDS = env.number("CLEARANCE_SECONDS", 3600)
TOOL_DEADLINE_SECONDS = env.number("TOOL_DEADLINE_SECONDS", 20)
WORKER_HEARTBEAT_SECONDS = env.number("WORKER_HEARTBEAT_SECONDS", 3)
WORKER_DEAD_AFTER_SECONDS = env.number("WORKER_DEAD_AFTER_SECONDS", 10)
RETRY_BASE_SECONDS = env.number("RETRY_BASE_SECONDS", 1)
SWEEP_SECONDS = env.number("SWEEP_SECONDS", 1)
IDEMPOTENCY_DAYS = env.number("IDEMPOTENCY_DAYS", 7)
WEBHOOK_SECONDS = env.number("WEBHOOK_SECONDS", 10)
WEBHOOK_CONCURRENCY = env.number("WEBHOOK_CONCURRENCY", 16)
WEBHOOK_DAYS = env.number("WEBHOOK_DAYS", 30)
RETENTION_DAYS = env.number("RETENTION_DAYS", 0)
BREAKER_FAILURES = env.number("BREAKER_FAILURES", 5)
BREAKER_SECONDS = env.number("BREAKER_SECONDS", 30)
STEP_TAKEOVERS = env.number("STEP_TAKEOVERS", 5)
WORKFLOW_FUNCTIONS = env.names("WORKFLOW_FUNCTIONS")
FAILPOINT = env.text("FAILPOINT") if DEBUG else ""

# Knowledge: what one document may be, and what reading it may cost

KNOWLEDGE_UPLOAD_BYTES = env.number("KNOWLEDGE_UPLOAD_BYTES", 10_000_000)
KNOWLEDGE_TEXT_CHARACTERS = env.number("KNOWLEDGE_TEXT_CHARACTERS", 5_000_000)
KNOWLEDGE_PDF_PAGES = env.number("KNOWLEDGE_PDF_PAGES", 1000)
KNOWLEDGE_READ_SECONDS = env.number("KNOWLEDGE_READ_SECONDS", 20)
KNOWLEDGE_EXACT_PASSAGES = env.number("KNOWLEDGE_EXACT_PASSAGES", 50_000)
EMBEDDINGS_URL = env.text("EMBEDDINGS_URL")
EMBEDDINGS_MODEL = env.text("EMBEDDINGS_MODEL", "text-embedding-3-small")
EMBEDDINGS_KEY = env.text("EMBEDDINGS_KEY")
EMBEDDINGS_SECONDS = env.number("EMBEDDINGS_SECONDS", 20)

# What is installed

INSTALLED_APPS = [
    "config",
    "agents",
    "approvals",
    "memory",
    "tools",
    "audit",
    "workspaces",
    "audit.ledger",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "rest_framework",
    "drf_spectacular",
    "django_filters",
    "guardian",
    "pgtrigger",
    "django_htmx",
    "csp",
    "axes",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
]

MIDDLEWARE = [
    "config.access.AccessMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "config.problems.PathMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "workspaces.tenancy.WorkspaceMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "workspaces.console.problems.ProblemMiddleware",
    "workspaces.signin.asking.SecondFactorMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.frame.frame",
            ]
        },
    }
]

# The database: a small pool a process. Closing a connection hands it back, so letting go before a network call is cheap
# and no thread keeps one for ever. Tests take plain connections, which their databases outlive

DATABASES: dict[str, Any] = {"default": env.database(env.text("DATABASE_URL", "postgresql://countersign@/countersign"))}
DATABASES["default"]["CONN_MAX_AGE"] = 0
DATABASES["default"]["OPTIONS"] |= {
    "application_name": "countersign",
    "connect_timeout": 5,
    "keepalives_idle": 30,
    "tcp_user_timeout": 30_000,  # a server that vanished without a word must not hold a worker for hours
    "options": "-c idle_in_transaction_session_timeout=60000",
}
if not TESTING:
    DATABASES["default"]["OPTIONS"]["pool"] = {
        "min_size": 1,
        "max_size": env.number("DATABASE_POOL", 12),
        "timeout": 10,
        "max_idle": 60,
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Redis carries wake-ups, live updates and throttle counters; losing it loses no run

REDIS_URL = env.text("REDIS_URL", "redis://127.0.0.1:6379/0")
CACHES: dict[str, Any] = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    if TESTING
    else {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL, "KEY_PREFIX": "cache"}
}

CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 300,
    "unacked_restore_interval": 1,
    "unacked_restore_throttle": 1,
    "socket_timeout": 10,
    "socket_connect_timeout": 5,
    "health_check_interval": 10,
}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER, CELERY_ACCEPT_CONTENT = "json", ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.2}
CELERY_TASK_DEFAULT_QUEUE, BATCH_QUEUE = "runs", "batch"
CELERY_TASK_QUEUES: dict[str, dict[str, str]] = {CELERY_TASK_DEFAULT_QUEUE: {}, BATCH_QUEUE: {}}  # taken from in turn
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CONCURRENCY = env.number("WORKER_CONCURRENCY", 8)
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 10.0
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"

# People: who they are, how they sign in, how long a session lasts

AUTH_USER_MODEL = "workspaces.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
    "guardian.backends.ObjectPermissionBackend",
]
ANONYMOUS_USER_NAME = None
GUARDIAN_RAISE_403 = False
LOGIN_URL = "/sign-in/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = LOGIN_URL
PASSWORD_HASHERS = (
    ["django.contrib.auth.hashers.MD5PasswordHasher"]
    if TESTING
    else ["django.contrib.auth.hashers.ScryptPasswordHasher", "django.contrib.auth.hashers.PBKDF2PasswordHasher"]
)
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
INVITATION_HOURS = env.number("INVITATION_HOURS", 72)
EMAIL_HOST = env.text("EMAIL_HOST", "localhost" if TESTING else "")
EMAIL_PORT = env.number("EMAIL_PORT", 587)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD")
EMAIL_USE_SSL = EMAIL_PORT == 465
EMAIL_USE_TLS = env.flag("EMAIL_TLS", True) and not EMAIL_USE_SSL
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.text("EMAIL_FROM", "countersign@localhost")
API_KEY_DAYS = env.number("API_KEY_DAYS", 90)
API_KEY_MAX_DAYS = env.number("API_KEY_MAX_DAYS", 365)
AXES_ENABLED = not TESTING
AXES_FAILURE_LIMIT = env.number("SIGN_IN_FAILURES", 10)
AXES_COOLOFF_TIME = timedelta(minutes=env.number("SIGN_IN_LOCK_MINUTES", 15))
AXES_LOCKOUT_PARAMETERS = "workspaces.signin.lockout.parameters"
AXES_USERNAME_CALLABLE = "workspaces.signin.lockout.name_of"
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "code", "csrfmiddlewaretoken"]
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_VERBOSE = AXES_ENABLE_ADMIN = False
AXES_DISABLE_ACCESS_LOG = True
AXES_USERNAME_FORM_FIELD = "username"
AXES_LOCKOUT_CALLABLE = "workspaces.console.sessions.locked_out"
MFA_ADAPTER = "workspaces.signin.sealing.SealingAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_TOLERANCE = 1
OIDC_ISSUER = env.text("OIDC_ISSUER").rstrip("/")
OIDC_CLIENT_ID = env.text("OIDC_CLIENT_ID")
OIDC_CLIENT_SECRET = env.text("OIDC_CLIENT_SECRET")
OIDC_NAME = env.text("OIDC_NAME", "single sign-on")
OIDC_SECONDS = env.number("OIDC_SECONDS", 10)
SOCIALACCOUNT_ADAPTER = "workspaces.signin.issuer.IssuerAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"

# The browser: HTTPS, closed cookies, and a page that loads and sends nothing but to us

HTTPS_ONLY = env.flag("HTTPS_ONLY", not (DEBUG or TESTING))
SECURE_SSL_REDIRECT = HTTPS_ONLY
SECURE_REDIRECT_EXEMPT = ["^(healthz|readyz|metrics)$"]  # probes come from inside, before the proxy that ends TLS
SECURE_HSTS_SECONDS = env.number("HSTS_SECONDS", 31_536_000) if HTTPS_ONLY else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS_ONLY
SECURE_HSTS_PRELOAD = env.flag("HSTS_PRELOAD")
SILENCED_SYSTEM_CHECKS = ["security.W021"]  # preloading cannot be taken back: the operator asks for it
SECURE_REFERRER_POLICY = "same-origin"
if env.flag("BEHIND_PROXY"):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CSRF_TRUSTED_ORIGINS = env.names("CSRF_TRUSTED_ORIGINS")
CSRF_COOKIE_SECURE = HTTPS_ONLY
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "workspaces.console.problems.refuse_forgery"
SESSION_COOKIE_SECURE = HTTPS_ONLY
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = env.number("SESSION_SECONDS", 12 * 60 * 60)
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "font-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000
FILES_ARE_SENT_TO = ("/api/v1/collections/", "/admin/memory/document/", "/knowledge/upload/")

# Files that never change between releases; the manifest gives each a name of its own

STATIC_URL = "static/"
STATIC_ROOT = VAR / "static"
STATICFILES_DIRS = [BASE_DIR / "templates" / "static"]
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS = DEBUG or TESTING
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG or TESTING
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# The API

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "workspaces.api.authentication.KeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": [
        "rest_framework.permissions.IsAuthenticated",
        "workspaces.api.scopes.WithinScopes",
    ],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["workspaces.api.parsing.StrictJSONParser"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "workspaces.api.paging.NewestFirst",
    "DEFAULT_THROTTLE_CLASSES": ["workspaces.api.throttling.CallerThrottle"],
    "DEFAULT_THROTTLE_RATES": {"caller": env.text("API_RATE", "1200/min")},
    "EXCEPTION_HANDLER": "workspaces.api.problem.answer_problem",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Countersign",
    "DESCRIPTION": "The control plane for AI agents that act in business systems.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "RunStatus": "agents.states.RunStatus",
        "RunKind": "agents.states.RunKind",
        "StepStatus": "agents.states.StepStatus",
        "StepKind": "agents.states.StepKind",
        "ActionStatus": "tools.states.ActionStatus",
        "AttemptKind": "tools.states.AttemptKind",
        "AttemptOutcome": "tools.states.AttemptOutcome",
        "RequestStatus": "approvals.states.RequestStatus",
        "RequestKind": "approvals.states.RequestKind",
        "DecisionKind": "approvals.states.DecisionKind",
        "VerdictOutcome": "approvals.states.Outcome",
        "RateKind": "agents.models.RateKind",
        "ScopeKind": "workspaces.models.ScopeKind",
        "KeyScope": "workspaces.models.KeyScope",
        "MemberRole": "workspaces.models.Role",
        "BudgetScope": "tools.models.BudgetScope",
        "DeliveryStatus": "audit.states.DeliveryStatus",
        "DeliveryCause": "audit.states.DeliveryCause",
        "VersionStatus": "approvals.models.VersionStatus",
        "DocumentStatus": "memory.states.DocumentStatus",
        "Trust": "memory.models.Trust",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "workspaces.api.description.describe_problems",
    ],
}

# Language, time, what operators watch

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

TRACES_ENDPOINT = env.traces_endpoint()
TRACES_HEADERS = env.text("OTEL_EXPORTER_OTLP_TRACES_HEADERS", env.text("OTEL_EXPORTER_OTLP_HEADERS"))
TRACES_CONTENT = env.flag("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT")
METRICS_TOKEN = env.text("METRICS_TOKEN")
LOG_LEVEL = env.text("LOG_LEVEL", "INFO")
LOGGING_CONFIG = "config.logs.configure"
LOG_FORMAT = env.text("LOG_FORMAT", "text" if DEBUG else "json")
LOGGING = logs.configuration(
    level=LOG_LEVEL,
    for_people=LOG_FORMAT == "text",
    secrets=[
        SECRET_KEY,
        *SECRET_KEY_FALLBACKS,
        *(entry.partition(":")[2] for entry in ENCRYPTION_KEYS),
        LEDGER_SIGNING_KEY,
        METRICS_TOKEN,
        EMAIL_HOST_PASSWORD,
        OIDC_CLIENT_SECRET,
        *(pair.partition("=")[2] for pair in TRACES_HEADERS.split(",")),
        DATABASES["default"]["PASSWORD"],
        urlsplit(REDIS_URL).password or "",
    ],
    reveal=DEBUG,
)
