"""A node founds a cluster out of what its image carries. Real kubeadm, kubelet, etcd, API server and CNI."""

import json

import pytest
from lab.machine import wait_until
from lab.node import RELEASE

CLUSTER = "cluster: {name: rack}\n"

# There is no registry: CoreDNS is in the image, and answers over HTTP whether it lives.
POD = """
apiVersion: v1
kind: ConfigMap
metadata: {name: answers}
data: {Corefile: ".:5353 {\\n  whoami\\n  health :8080\\n}\\n"}
---
apiVersion: v1
kind: Pod
metadata: {name: answers, labels: {app: answers}}
spec:
  containers:
    - name: answers
      image: IMAGE
      args: [-conf, /config/Corefile]
      volumeMounts: [{name: config, mountPath: /config}]
  volumes: [{name: config, configMap: {name: answers}}]
---
apiVersion: v1
kind: Service
metadata: {name: answers}
spec: {selector: {app: answers}, ports: [{port: 80, targetPort: 8080}]}
"""


class Node:
    """A machine of a cluster, and its kubectl."""

    def __init__(self, machine):
        self.machine, self.scale = machine, machine.scale

    def kubectl(self, arguments, **more):
        return self.machine.ssh(f"kubectl --kubeconfig /etc/kubernetes/admin.conf --request-timeout=60s {arguments}", limit=300, **more)

    def get(self, what):
        return json.loads(self.kubectl(f"get -o json {what}"))

    def condition(self):
        return next((c for c in self.machine.status()["conditions"] if c["type"] == "Cluster"), {"status": "", "message": ""})

    def wait_member(self, limit=900):
        def there():
            now = self.condition()
            assert now["status"] != "false", now
            return now["status"] == "true"
        wait_until(there, limit * self.scale, "the node being ready for Kubernetes", interval=3)

    def wait_running(self, selector, limit=300):
        def running():
            pods = self.get(f"pods -A -l {selector}")["items"]
            return pods and all(any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", [])) for pod in pods)
        wait_until(running, limit * self.scale, f"pods with {selector} being ready", interval=3)


@pytest.mark.long
def test_a_node_founds_a_cluster_that_serves_a_pod(scenario, installed):
    assert (RELEASE / ".payload").read_text(), "this image carries no Kubernetes: LOAM_PAYLOAD=build ./dev qa ..."
    machine = scenario.keep(installed.machine(scenario.folder, memory=6144))
    machine.start()
    machine.wait_ssh(300)
    machine.wait_state("ready", 120)
    node = Node(machine)
    machine.ssh("loamctl apply -", input=machine.ssh("cat /loam/loam.yaml") + CLUSTER)
    node.wait_member()
    shown = node.get("nodes")["items"]
    assert [one["metadata"]["name"] for one in shown] == ["node-1"]
    node.wait_running("k8s-app=kube-dns")
    image = node.get("deployment -n kube-system coredns")["spec"]["template"]["spec"]["containers"][0]["image"]
    node.kubectl("apply -f -", input=POD.replace("IMAGE", image))
    node.wait_running("app=answers")
    address = node.get("service answers")["spec"]["clusterIP"]
    wait_until(lambda: machine.ssh(f"curl --silent --max-time 10 http://{address}/health", check=False).stdout == "OK", 60 * node.scale, "the Service's answer")
    machine.wait_state("ready", 60)
