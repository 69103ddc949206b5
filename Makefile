PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
RIVALS := .rivals

.PHONY: up test test-service test-compose test-scale chaos check report slides bench experiments api settings lock clean help

up: $(VENV)/.train ## install, ingest, train, compare, publish and serve; finished steps are skipped
	@$(BIN)/belvedere up

help: ## print this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

test: $(VENV)/.dev ## run the whole test suite
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

# Runs in the environment of `make test`, too, where the plugin refuses the packages of training.
test-service: $(VENV)/.test ## run the API tests on a tiny release, without TensorFlow
	@$(BIN)/python -m pytest -n 2 --dist loadfile -p tests.without_training api_tests \
		--ignore api_tests/chaos --ignore api_tests/compose

test-scale: $(VENV)/.dev ## start Milvus, a Ray cluster and an object store from packages, and test with them
	@$(BIN)/python -m pytest -n 2 --dist loadfile -m scale tests/scale

test-compose: $(VENV)/.dev ## build the container images, test the whole stack and stop it
	@$(BIN)/python -m pytest -m compose api_tests/compose

chaos: $(VENV)/.dev ## run the fault-injection tests and write docs/chaos.md
	@$(BIN)/python -m pytest -m chaos api_tests/chaos --page docs/chaos.md

check: $(VENV)/.dev ## check formatting, lint, types, import layers, spelling and prose
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell
	$(BIN)/python scripts/check-prose

report: $(VENV)/.dev ## execute the notebook, with thumbnails, and export it as a page
	$(BIN)/python -m service.report

slides: report ## export the executed notebook as slides: report/slides.html in BELVEDERE_HOME

# The other services of the benchmark have an environment of their own; BENCH_RIVALS is the path of
# another Python that has their packages.
bench: $(VENV)/.dev $(if $(BENCH_RIVALS),,$(RIVALS)/.rivals) ## run the benchmarks and write docs/benchmarks.md
	$(BIN)/python -m benchmarks

experiments: $(VENV)/.dev ## write docs/experiments.md and docs/label-review.md from the current release
	$(BIN)/python -m benchmarks.experiments
	$(BIN)/python -m benchmarks.label_review

api: $(VENV)/.dev ## write docs/openapi.json and docs/problems.md
	$(BIN)/python -m service.api_documents

settings: $(VENV)/.dev ## write the tables of settings into README.md
	$(BIN)/python -m belvedere.configuration README.md

# Requires uv. Lock files contain hashes and no registry address. OpenVINO's telemetry package is
# excluded: the converter would report every export to its makers, and works without it.
LOCK = uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --no-annotate --no-header --no-emit-package openvino-telemetry
lock: ## update the lock files (requires uv)
	$(LOCK) pyproject.toml --all-extras \
		-o requirements/dev.txt
	$(LOCK) pyproject.toml --extra report -c requirements/dev.txt -o requirements/report.txt
	$(LOCK) pyproject.toml --extra train -c requirements/dev.txt -o requirements/train.txt
	$(LOCK) pyproject.toml --extra test -c requirements/dev.txt -o requirements/test.txt
	$(LOCK) pyproject.toml -c requirements/dev.txt -o requirements/serve.txt
	$(LOCK) pyproject.toml --extra s3 --extra milvus -c requirements/dev.txt -o requirements/serve-scale.txt
	$(LOCK) pyproject.toml --extra train --extra s3 --extra milvus --extra ray -c requirements/dev.txt \
		-o requirements/train-scale.txt
	grep -E '^(numpy|openvino|pillow)==' requirements/dev.txt | tr -d '\\' \
		| $(LOCK) requirements/rivals.in -c /dev/stdin -o requirements/rivals.txt

clean: ## remove the environments; data, runs and releases are kept
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
