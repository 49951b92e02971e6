# jiesu: `make demo` shows it, `make test` proves it, `make run` serves. Each sets this checkout up by itself.

PYTHON ?= $(firstword $(foreach name,python3 python3.11 python3.12 python3.13,$(shell command -v $(name) 2>/dev/null)))
VENV := .venv/bin/python
# Further arguments for `demo`, `run` and `bench`, and for pytest in `test`: make demo ARGS="--once --json"
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo test run peers lint types imports check-all bench interop soak image-check lock clean environment dev-environment

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: environment ## Show two calls and four letters become tickets on this machine (ARGS="--once --json")
	@$(VENV) -m gateway demo $(ARGS)

run: environment ## Serve for real (ARGS="--config FILE")
	@$(VENV) -m gateway run $(ARGS)

test: dev-environment ## Everything: style, types, import rules, all tests with coverage (ARGS for pytest)
	@$(PYTHON) scripts/peers.py || true
	@$(MAKE) --no-print-directory lint types imports
	$(VENV) -m pytest --cov --cov-report=term $(ARGS)

peers: ## Install the independent programs that tests meet (apt, as root)
	@$(PYTHON) scripts/peers.py

lint: dev-environment ## ruff: rules and formatting
	$(VENV) -m ruff check .
	$(VENV) -m ruff format --check .

types: dev-environment ## mypy --strict
	$(VENV) -m mypy

imports: dev-environment ## import-linter: who may know whom
	.venv/bin/lint-imports

check-all: test image-check ## `test`, and the image's steps

bench: dev-environment ## Measure: from an emergency phrase to the INVITE on the wire
	$(VENV) -m benchmarks.emergency $(ARGS)

interop: dev-environment ## Meet every independent program, Asterisk and linphonec too (as root; ARGS for pytest)
	@$(PYTHON) scripts/peers.py --interop || true
	$(VENV) -m pytest tests/interop $(ARGS)

soak: dev-environment ## 5 calls a second of every kind for half an hour (ARGS="--minutes 5")
	$(VENV) -m benchmarks.soak $(ARGS)

image-check: ## Prove the Dockerfile's steps in a Debian chroot (as root; no engine needed)
	@$(PYTHON) -m scripts.image_check

lock: dev-environment ## Write the lock files anew from pyproject.toml
	$(VENV) scripts/lock.py

clean: ## Remove everything that was made here, the environment too
	rm -rf .venv build .coverage .coverage.* htmlcov .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

environment:
	@$(if $(PYTHON),$(PYTHON) scripts/bootstrap.py run,echo 'jiesu: needs Python 3.11, 3.12 or 3.13; none was found' >&2; exit 2)

dev-environment:
	@$(if $(PYTHON),$(PYTHON) scripts/bootstrap.py dev,echo 'jiesu: needs Python 3.11, 3.12 or 3.13; none was found' >&2; exit 2)
