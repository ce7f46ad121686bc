# The verbs of this project; CONTRIBUTING.md says more about each.
SWIFT ?= swift
RELEASE = -c release --static-swift-stdlib
OSIRIS = .build/release/osiris
# Hundreds of tests at once would keep those waiting that watch a real process against the clock.
PACED = SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=6
PACKAGES = libcurl4-openssl-dev libssl-dev libyaml-dev libssh2-1-dev libsqlite3-dev libxml2-dev zlib1g-dev pkg-config python3 curl
TEST_PACKAGES = bubblewrap busybox etcd-server opendoas openssh-client openssh-server openssl python3-pip sudo $(NODE)
# Another Node than Debian's will do.
NODE = $(shell command -v node >/dev/null || echo nodejs)
IMAGE_PACKAGES = mmdebstrap binutils
# Real test hosts: Tests/Rack
RACK_PACKAGES = mmdebstrap systemd-container iproute2 openssh-client openssl python3 python3-pip gnupg $(COMPILER)
COMPILER = $(shell command -v cc >/dev/null || echo gcc libc6-dev)
HUB_ARCHIVE = dist/osiris-hub.tar
# Only what is missing is installed, so that a prepared machine needs neither root nor network.
MISSING = $(shell dpkg-query -W -f='$${Status}' $(1) 2>/dev/null | grep -q 'install ok installed' || echo $(1))

define INSTALL
@for package in $(foreach package,$(1),$(call MISSING,$(package))); do missing="$$missing $$package"; done; \
if [ -n "$$missing" ]; then \
	echo "installing:$$missing"; \
	sudo=$$([ "$$(id -u)" = 0 ] || echo sudo); \
	$$sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq $$missing; \
fi
endef

define PIP
@python3 -c 'import $(1)' 2>/dev/null || python3 -m pip install --quiet '$(2)' \
	|| python3 -m pip install --quiet --break-system-packages '$(2)'
endef

.PHONY: quickstart test test-release test-rack rack-tools test-podman test-ui test-tools build hub-image fuzz bench bench-manifest bench-ssh \
	bench-hub bench-load bench-aws \
	bench-neighbour fmt lint packages \
	image-tools install clean

quickstart: build ## Bring up a hub on this machine and call a function.
	$(OSIRIS) apply --auto-approve -f examples/quickstart
	@echo
	@echo '$$ $(OSIRIS) functions call demo/hello --data '"'"'{"name": "Ada"}'"'"' -f examples/quickstart'
	@$(OSIRIS) functions call demo/hello --data '{"name": "Ada"}' -f examples/quickstart
	@sh examples/quickstart/next-steps.sh $(OSIRIS)

# HUB=PROGRAM leaves the hub out.
build: packages ## The programs, optimised, in .build/release/.
	$(SWIFT) build $(RELEASE) --product osiris
	$(if $(HUB),,$(SWIFT) build $(RELEASE) --product osiris-hub)

# HUB=PROGRAM takes a hub program that was built elsewhere.
hub-image: image-tools $(if $(HUB),,build) ## The hub's image for `engine: podman`, in dist/osiris-hub.tar; no registry needed.
	sh Sources/osiris-hub/image/build.sh $(or $(HUB),.build/release/osiris-hub) $(HUB_ARCHIVE)

test: packages test-tools ## Every test but those that need the right to boot hosts or to run containers.
	$(SWIFT) build --build-tests
	$(PACED) $(SWIFT) test --skip-build --skip RealPodmanTests --skip RackTests

# Not part of `test`: an optimised build takes minutes. An optimised program can crash where a debug one does not. HUB=PROGRAM
# takes a hub program that was built elsewhere; FILTER=QuickstartTests runs one suite.
test-release: build test-tools ## The end-to-end tests, with the optimised programs.
	$(SWIFT) build --build-tests
	$(if $(HUB),OSIRIS_HUB=$(abspath $(HUB))) OSIRIS_PROGRAMS=$(CURDIR)/.build/release \
		$(PACED) $(SWIFT) test --skip-build --filter 'EndToEndTests$(if $(FILTER),\.$(FILTER))'

# Not part of `test`: it needs the right to boot hosts, and some minutes. FILTER=power runs one of them.
test-rack: packages rack-tools ## Hubs on real hosts, booted on this machine; needs root and a Debian mirror.
	python3 Tests/Rack/rack.py can-boot
	$(SWIFT) build --build-tests
	[ -n "$$OSIRIS_HUB_ARCHIVE" ] || RUNTIMES=python3 sh Sources/osiris-hub/image/build.sh $(or $(HUB),.build/debug/osiris-hub) .build/osiris-hub-rack.tar
	$(if $(FILTER),$(RACK_TEST) RackTests/$(FILTER),$(RACK_TEST) RackTests/$(ALONE) && $(RACK_TEST) RackTests --skip $(ALONE))

RACK_TEST = OSIRIS_HUB_ARCHIVE=$${OSIRIS_HUB_ARCHIVE:-$(CURDIR)/.build/osiris-hub-rack.tar} $(SWIFT) test --skip-build --filter
# It counts calls, and a caller who does not get to send for half a second is taken for one who does not want to.
ALONE = upgradeUnderLoad

# Not part of `test`: it needs the right to run containers, which many build machines do not give, a Debian mirror, and
# minutes for the image.
test-podman: packages image-tools ## The hub in a container, with podman and an image of the debug hub.
	$(call INSTALL,podman)
	$(if $(HUB),,$(SWIFT) build --product osiris-hub)
	sh Sources/osiris-hub/image/build.sh $(or $(HUB),.build/debug/osiris-hub) .build/osiris-hub-debug.tar
	$(SWIFT) build --build-tests
	OSIRIS_HUB_ARCHIVE=$(CURDIR)/.build/osiris-hub-debug.tar $(SWIFT) test --skip-build --filter RealPodmanTests

# Not part of `test`: the browser alone is 300 MB. SHOTS=FOLDER leaves screenshots there.
test-ui: packages ## The hub's page, and those of plan and apply, in headless Chromium.
	$(call INSTALL,chromium python3-pip)
	$(call PIP,websockets,websockets==17.4)
	$(if $(HUB),,$(SWIFT) build --product osiris-hub)
	$(SWIFT) build --product osiris
	python3 Tests/UI/page.py $(or $(HUB),.build/debug/osiris-hub) $(SHOTS)
	python3 Tests/UI/plan.py .build/debug/osiris $(SHOTS)

# FUZZ_SECONDS=60 for a shorter run; OSIRIS_SEED=N repeats one. A crash leaves its input in the temporary folder.
fuzz: packages ## Damage manifests at random for ten minutes.
	$(SWIFT) build --build-tests
	OSIRIS_FUZZ_SECONDS=$(or $(FUZZ_SECONDS),600) $(SWIFT) test --skip-build --filter MutationTests

bench: build ## Time and count plans and applies of simulated fleets.
	python3 Tests/Benchmark/bench.py $(OSIRIS)

bench-manifest: build ## Time `osiris validate` on large and hostile manifests.
	python3 Tests/Benchmark/manifest.py $(OSIRIS)

# HOSTS=8,32,64 for other sizes; needs root and PyPI.
bench-ssh: build image-tools ## Compare osiris with other clients on a rack of real hosts.
	$(call INSTALL,$(RACK_PACKAGES))
	python3 Tests/Benchmark/ssh.py --osiris $(OSIRIS) $(if $(HOSTS),--hosts $(HOSTS))

bench-hub: build ## Time calls through a hub.
	python3 Tests/Benchmark/hub.py .build/release/osiris-hub

bench-load: build image-tools ## What a hub carries: beside nginx, with many functions, across a kill.
	$(call INSTALL,nginx-light podman wrk)
	python3 Tests/Benchmark/hub_load.py .build/release/osiris-hub

# SIZES=10,50 for other sizes; PLUGINS=FOLDER where Terraform's AWS provider is, if it is not found by itself.
bench-aws: build test-tools ## Compare osiris with Terraform on AWS, as moto plays it.
	python3 Tests/Benchmark/aws.py $(OSIRIS) $(if $(SIZES),--sizes $(SIZES)) $(if $(PLUGINS),--plugins $(PLUGINS))

bench-neighbour: build ## How much a bad function slows its neighbour down.
	python3 Tests/Benchmark/neighbour.py .build/release/osiris-hub

# Files that are links stay links.
fmt: ## Format all Swift files.
	find Sources providers Tests Package.swift -name '*.swift' -type f \
		-exec $(SWIFT) format -i --configuration .swift-format {} +

lint: ## Fail if a file is not formatted.
	$(SWIFT) format lint --strict --configuration .swift-format -r Sources providers Tests Package.swift

packages: ## System packages that building needs.
	$(call INSTALL,$(PACKAGES))

rack-tools: ## System and Python packages that real test hosts need.
	$(call INSTALL,$(RACK_PACKAGES) $(IMAGE_PACKAGES))
	$(call PIP,moto.server,moto[server]==5.2.1)

image-tools: ## System packages that images need.
	$(call INSTALL,$(IMAGE_PACKAGES))

test-tools: ## Services and Python packages that tests check against.
	$(call INSTALL,$(TEST_PACKAGES))
	$(call PIP,jsonschema,jsonschema==4.26.0)
	$(call PIP,moto.server,moto[server]==5.2.1)
	$(call PIP,docker,docker==7.1.0)
	$(call PIP,prometheus_client,prometheus_client==0.26.0)

install: build ## Into PREFIX, by default /usr/local.
	install -D -t $(or $(PREFIX),/usr/local)/bin .build/release/osiris .build/release/osiris-hub

clean:
	$(SWIFT) package clean
