#!/bin/sh
# Becomes Prometheus, with the alerts of deploy/k8s: there they are in an object for the Prometheus Operator, whose
# `spec` is what Prometheus itself reads.
set -eu
sed -e '1,/^spec:$/d' -e 's/^  //' /etc/alerts/rules.yaml >/tmp/rules.yml
exec prometheus "$@"
