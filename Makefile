# make run    installs what is needed, then serves on http://127.0.0.1:8080 with demo data
# make test   runs the tests in process   make test-system  those of whole servers, browsers, database clusters
# make check  runs the static checks      make soak         random kills and requests, three times as many
# make release VERSION=1.2.3  cuts a release: CHANGELOG.md, a commit and a tag        make dist  builds its files into dist
# The distribution's Python, which is what users will have; the first in PATH where that is too old or lacks venv.
PYTHON ?= $(shell /usr/bin/python3 -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' \
	2>/dev/null && echo /usr/bin/python3 || echo python3)
VENV := .venv
BIN := $(VENV)/bin
RUN := $(VENV)/.installed-run
DEV := $(VENV)/.installed-dev
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install
# The built styles and scripts of the pages, and what they are built of.
BUILT := src/clearline/web/built/manifest.json
FRONTEND := $(shell find frontend -type d \( -name node_modules -o -name .node -o -name __pycache__ \) -prune -o -type f -print)

.PHONY: run test test-system soak check format lock docs words bench scale lighthouse frontend chromium balancers containers promtool screenshots release dist clean
.DELETE_ON_ERROR:

run: $(RUN) $(BUILT)
	@exec $(BIN)/clearline --env-file /dev/null serve --demo

# The tests start hundreds of Python processes. With the variable set, each of them would compile Clearline again.
test test-system soak: export PYTHONDONTWRITEBYTECODE =
PYTEST := $(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder
test: $(DEV) $(BUILT) promtool
	$(PYTEST) -m "not system"

test-system: $(DEV) $(BUILT) chromium balancers containers
	$(PYTEST) -m system

soak: export TEST_ROUNDS ?= 3
soak: $(DEV) $(BUILT)
	$(PYTEST) -m chance

check: $(DEV)
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: $(DEV)
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

docs: $(DEV)
	$(BIN)/python docs/generate.py

# Brings the words of templates and code into the catalogues: new ones without a translation, and none that is unused.
words: $(DEV)
	$(BIN)/pybabel -q extract -F pyproject.toml -k gettext_noop --add-location file --sort-by-file --omit-header \
		-o $(VENV)/clearline.pot src/clearline
	$(BIN)/pybabel -q update -D clearline -d src/clearline/language/locale -i $(VENV)/clearline.pot --no-fuzzy-matching --ignore-obsolete \
		--ignore-pot-creation-date -w 120

# Pictures of every page with the demo's data, into docs/screenshots.
screenshots: $(DEV) $(BUILT) chromium
	$(BIN)/python docs/screenshots.py

bench: $(DEV)
	$(BIN)/python bench/load.py

scale: $(DEV)
	$(BIN)/python bench/scale.py

# Lighthouse's audits of the console. Its npm packages, 190 MB, are installed here only.
lighthouse: $(DEV) $(BUILT) chromium
	$(BIN)/python bench/lighthouse.py

release: $(DEV)
	@test -n "$(VERSION)" || { echo "Which version? make release VERSION=1.2.3"; exit 2; }
	@$(BIN)/python release/cut.py "$(VERSION)"

# The wheel, the sdist, the pinned requirements, the SBOM and the checksums: the same bytes whenever a commit is built.
dist: $(DEV) $(BUILT)
	@$(BIN)/python release/dist.py

# Renews the hashed locks to the newest releases that pyproject.toml admits.
lock: $(VENV)/bin/python
	$(PIP) uv
	$(BIN)/uv pip compile --quiet --universal --upgrade --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header pyproject.toml --group dev -o requirements/dev.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header -c requirements/dev.txt pyproject.toml -o requirements/run.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header -c requirements/dev.txt requirements/build.in -o requirements/build.txt

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Clearline needs Python 3.11 or newer: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV)

$(RUN): requirements/run.txt requirements/build.txt pyproject.toml | $(VENV)/bin/python
	@echo "Installing Clearline's requirements into $(VENV) ..."
	$(PIP) --require-hashes -r requirements/run.txt -r requirements/build.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV): requirements/dev.txt $(RUN)
	$(PIP) --require-hashes -r requirements/dev.txt
	@touch $@

frontend: $(BUILT)

# With the machine's Node, or else with one that pip installs into frontend/.node.
$(BUILT): $(FRONTEND)
	@$(PYTHON) frontend/build.py

# For the browser tests: Debian's package, and the library that Playwright's program needs. Nothing comes from elsewhere.
chromium:
	@command -v chromium >/dev/null && /sbin/ldconfig -p | grep -q 'libatomic\.so\.1' || { \
		test "$$(id -u)" = 0 && command -v apt-get >/dev/null || { \
			echo "The browser tests need Chromium: install your distribution's packages, such as: apt-get install chromium libatomic1"; exit 1; }; \
		echo "Installing Debian's chromium for the browser tests ..."; \
		apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends chromium libatomic1 >/dev/null; }

# For the tests of servers behind a load balancer. Without them, these are skipped.
balancers:
	@test -x /usr/sbin/haproxy -a -x /usr/sbin/nginx || { \
		test "$$(id -u)" = 0 && command -v apt-get >/dev/null || { \
			echo "Tests behind a load balancer are skipped: they need your distribution's packages haproxy and nginx-light"; exit 0; }; \
		echo "Installing Debian's haproxy and nginx-light for the tests behind a load balancer ..."; \
		apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends haproxy nginx-light >/dev/null; }

# For the tests of the container image. Without them, these are skipped.
containers:
	@command -v podman >/dev/null && test -x /usr/sbin/debootstrap && test -x /usr/sbin/runc || { \
		test "$$(id -u)" = 0 && command -v apt-get >/dev/null || { \
			echo "Tests of the container image are skipped: they need your distribution's packages podman, runc and debootstrap"; exit 0; }; \
		echo "Installing Debian's podman, runc and debootstrap for the tests of the container image ..."; \
		apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends podman runc debootstrap >/dev/null; }

# For the tests of the alerts: Debian's promtool alone, out of the package whose installation would start Prometheus. Without it,
# these are skipped.
promtool: $(VENV)/bin/python
	@command -v promtool >/dev/null || test -x $(BIN)/promtool || { \
		command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || { \
			echo "Tests of the alerts are skipped: they need promtool of your distribution's package prometheus"; exit 0; }; \
		echo "Taking promtool out of Debian's prometheus for the tests of the alerts ..."; \
		folder=$$(mktemp -d) && chmod 755 $$folder && (cd $$folder && apt-get -qq download prometheus 2>/dev/null && dpkg-deb -x prometheus_*.deb .) \
			&& cp $$folder/usr/bin/promtool $(BIN)/promtool; rm -rf $$folder; test -x $(BIN)/promtool \
			|| echo "Tests of the alerts are skipped: the package prometheus cannot be downloaded"; }

clean:
	rm -rf $(VENV) frontend/node_modules frontend/.node bench/lighthouse/node_modules src/clearline/web/built dist
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis
