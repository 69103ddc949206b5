PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
RIVALS := .rivals

.PHONY: up test test-compose chaos check report slides bench experiments api lock clean

up: $(VENV)/.train ## environment, data, training, release, service
	@$(BIN)/belvedere up

test: $(VENV)/.dev ## the whole test suite
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test-compose: $(VENV)/.dev ## build the images, run the whole stack and take it down again
	@$(BIN)/python -m pytest -m compose api_tests/compose

chaos: $(VENV)/.dev ## break things around the running service and write docs/chaos.md
	@$(BIN)/python -m pytest -m chaos api_tests/chaos --page docs/chaos.md

check: $(VENV)/.dev ## formatting, lint, types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

report: $(VENV)/.dev ## execute the notebook against the running service, with thumbnails
	$(BIN)/python -m service.report

slides: report ## the same as a deck for a talk: slides.html in the folder `report` of BELVEDERE_HOME

# The rivals need an environment of their own; BENCH_RIVALS names the Python of another one.
bench: $(VENV)/.dev $(if $(BENCH_RIVALS),,$(RIVALS)/.rivals) ## measure what docs/benchmarks.md says
	$(BIN)/python -m benchmarks

experiments: $(VENV)/.dev ## write docs/experiments.md from the current release
	$(BIN)/python -m benchmarks.experiments

api: $(VENV)/.dev ## write docs/api.md from the OpenAPI description
	$(BIN)/python -m service.reference

# Needs uv. Locks hold hashes and no registry's address. OpenVINO's telemetry is left out: its
# converter would report every export to its makers, and works without it.
LOCK = uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --no-annotate --no-header --no-emit-package openvino-telemetry
lock: ## lock the dependencies anew
	$(LOCK) pyproject.toml --extra train --extra report --extra dev -o requirements/dev.txt
	$(LOCK) pyproject.toml --extra report -c requirements/dev.txt -o requirements/report.txt
	$(LOCK) pyproject.toml --extra train -c requirements/dev.txt -o requirements/train.txt
	$(LOCK) pyproject.toml -c requirements/dev.txt -o requirements/serve.txt
	grep -E '^(numpy|openvino|pillow)==' requirements/dev.txt | tr -d '\\' \
		| $(LOCK) requirements/rivals.in -c /dev/stdin -o requirements/rivals.txt

clean: ## remove the environments; data, runs and releases stay
	rm -rf $(VENV) $(RIVALS)

$(RIVALS)/.rivals: requirements/rivals.txt
	@test -x $(RIVALS)/bin/python || $(PYTHON) -m venv $(RIVALS)
	@echo "Installing $< into $(RIVALS) ..."
	@$(RIVALS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $<
	@touch $@

$(VENV)/.%: requirements/%.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else \
		"Belvedere needs Python 3.11 or newer; set PYTHON=/path/to/it.")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing requirements/$*.txt into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/$*.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
