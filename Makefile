# The commands that stay stable; README.md explains them. Needs python3 (3.11 or newer) and make, nothing else.
#   PYTHON=/path/python3.13   another interpreter        VENV=/path    another virtualenv
#   PORT=8001                 another port for the demo  VAR_DIR=/path another folder for its data

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
RUNTIME = @$(PYTHON) -I config/virtualenv.py $(VENV) requirements-demo.lock requirements-test.lock
TEST = @$(PYTHON) -I config/virtualenv.py $(VENV) requirements-test.lock
COMPILE = $(BIN)/python -m uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --only-binary :all: \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links $(if $(UPGRADE),--upgrade) pyproject.toml

# Packages are compiled as they are imported, once: a Python that may not keep that compiles all of it at every start.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo demo-headless test search clean-demo bench lock fmt pictures
.DEFAULT_GOAL := demo

demo:
	$(RUNTIME)
	@exec $(BIN)/python -m config.demo

demo-headless:
	$(RUNTIME)
	@exec $(BIN)/python -m config.demo --headless

clean-demo:
	@python=$(BIN)/python; test -x $$python || python=$(PYTHON); exec $$python -m config.demo.clean

test:
	$(TEST)
	@exec $(BIN)/python -m tests.run

bench:
	$(TEST)
	@test -e bench/run.py || { echo "countersign: there are no benchmarks yet; bench/ holds none."; exit 1; }
	@exec $(BIN)/python -m config.services run --test -- $(BIN)/python -m bench.run $(if $(ONLY),--only $(ONLY)) $(if $(PEERS),--peers) $(if $(STEPS),--steps $(STEPS))

search:
	$(TEST)
	@exec $(BIN)/python -m config.services run --test -- env GENERATED_MINUTES=$(or $(MINUTES),15) \
		$(BIN)/python -m pytest -p no:logging --show-capture=no --tb=short tests/integration/api/test_generated.py

pictures:
	$(TEST)
	@exec $(BIN)/python -m tests.browser.shots documentation

fmt:
	$(TEST)
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .
	@find templates -name '*.html' -exec $(BIN)/djhtml --tabwidth 2 {} +

# Needs uv in the virtualenv (`pip install uv`), and nothing else does. UPGRADE=1 takes newer versions.
lock:
	@$(COMPILE) --output-file requirements.lock
	@$(COMPILE) --group demo --constraint requirements.lock --output-file requirements-demo.lock
	@$(COMPILE) --group test --constraint requirements-demo.lock --output-file requirements-test.lock
	@sed -i.bak '1s/^/# Written by `make lock` from pyproject.toml: Python 3.11 to 3.13, Linux and macOS, wheels only.\n/' requirements.lock requirements-demo.lock requirements-test.lock && rm requirements*.lock.bak
