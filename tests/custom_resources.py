"""Owns minimal strict schemas of the custom resources that deploy/k8s uses.

`kubernetes-validate` knows Kubernetes' own kinds alone. These are written by hand from the kinds'
reference and know no field but those that we use, so that a misspelt or a new one is found. A real
API server may still refuse what they accept.
"""

from typing import Any

import jsonschema_rs

Schema = dict[str, Any]

TEXT: Schema = {"type": "string", "minLength": 1}
COUNT: Schema = {"type": "integer", "minimum": 0}
DURATION: Schema = {"type": "string", "pattern": r"^([0-9]+(ms|s|m|h|d))+$|^0s$"}
TEXTS: Schema = {"type": "object", "additionalProperties": {"type": "string"}}


def _of(required: str = "", /, **properties: Schema) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": required.split(),
        "additionalProperties": False,
    }


def _many(item: Schema) -> Schema:
    return {"type": "array", "items": item, "minItems": 1}


_EXPRESSION = _of(
    "key operator values", key=TEXT, operator={"enum": ["In", "NotIn"]}, values=_many(TEXT)
)
_SELECTOR = _of(matchLabels=TEXTS, matchExpressions=_many(_EXPRESSION))
_ENDPOINT = _of("port path", port=TEXT, path=TEXT, interval=DURATION, scrapeTimeout=DURATION)
_RULE = _of(
    "alert expr labels annotations",
    **{"alert": TEXT, "expr": TEXT, "for": DURATION, "labels": TEXTS, "annotations": TEXTS},
)
_SCALING = _of(
    stabilizationWindowSeconds={"type": "integer", "minimum": 0, "maximum": 3600},
    policies=_many(
        _of(
            "type value periodSeconds",
            type={"enum": ["Percent", "Pods"]}, value=COUNT, periodSeconds=COUNT,
        )
    ),
)  # fmt: skip
_TRIGGER = _of(
    "type metadata",
    type={"const": "prometheus"},
    metricType={"enum": ["AverageValue", "Value"]},
    metadata=_of(
        "serverAddress query threshold",
        serverAddress=TEXT, query=TEXT, threshold=TEXT, activationThreshold=TEXT,
        ignoreNullValues={"enum": ["true", "false"]},
    ),
)  # fmt: skip

SPECS: dict[tuple[str, str], Schema] = {
    ("monitoring.coreos.com/v1", "ServiceMonitor"): _of(
        "selector endpoints", selector=_SELECTOR, endpoints=_many(_ENDPOINT)
    ),
    ("monitoring.coreos.com/v1", "PodMonitor"): _of(
        "selector podMetricsEndpoints",
        selector=_SELECTOR, podTargetLabels=_many(TEXT), podMetricsEndpoints=_many(_ENDPOINT),
    ),
    ("monitoring.coreos.com/v1", "PrometheusRule"): _of(
        "groups", groups=_many(_of("name rules", name=TEXT, rules=_many(_RULE)))
    ),
    ("keda.sh/v1alpha1", "ScaledObject"): _of(
        "scaleTargetRef triggers",
        scaleTargetRef=_of("name", name=TEXT),
        pollingInterval=COUNT, cooldownPeriod=COUNT, minReplicaCount=COUNT, maxReplicaCount=COUNT,
        fallback=_of("failureThreshold replicas", failureThreshold=COUNT, replicas=COUNT),
        advanced=_of(
            horizontalPodAutoscalerConfig=_of(behavior=_of(scaleDown=_SCALING, scaleUp=_SCALING))
        ),
        triggers=_many(_TRIGGER),
    ),
    ("gateway.networking.k8s.io/v1", "HTTPRoute"): _of(
        "parentRefs rules",
        parentRefs=_many(_of("name", name=TEXT, namespace=TEXT)),
        hostnames=_many(TEXT),
        rules=_many(
            _of(
                "matches backendRefs",
                matches=_many(
                    _of("path", path=_of(
                        "type value", type={"enum": ["Exact", "PathPrefix"]},
                        value={"type": "string", "pattern": "^/"},
                    ))
                ),
                timeouts=_of(request=DURATION),
                backendRefs=_many(_of("name port", name=TEXT, port=COUNT)),
            )
        ),
    ),
}  # fmt: skip


def complaints(manifest: dict[str, Any]) -> list[str]:
    """What is wrong with one of these kinds."""
    schema = _of(
        "apiVersion kind metadata spec",
        apiVersion=TEXT, kind=TEXT,
        metadata=_of("name namespace", name=TEXT, namespace=TEXT, labels=TEXTS),
        spec=SPECS[manifest["apiVersion"], manifest["kind"]],
    )  # fmt: skip
    validator = jsonschema_rs.validator_for(schema)
    return [f"{each.instance_path}: {each.message}" for each in validator.iter_errors(manifest)]
