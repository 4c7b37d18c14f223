# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The site on what looks like OpenShift (a stand-in): pods of `restricted` are refused, those of `openshift` admitted, Routes serve; then back."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
import typing as t

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / '.cache' / 'collections')]

from tests.drills.pair import Pair, must, say, steps
from tests.site.outside import HOST, Site

VARIABLES: dict[str, t.Any] = {
    'wandb_server_security_context': {'preset': 'openshift'},
    'wandb_platform_pod_security': '',
    'wandb_route_termination': 'edge',
    'wandb_platform_trusted_bundle': True,
    'wandb_platform_scc_bindings': [{'service_account': 'wandb-app', 'scc': 'nonroot-v2'}],
}
# A pod each that only its own rule refuses.
REFUSED: dict[str, dict[str, t.Any]] = {
    'runAsUser': {'pod': {'runAsUser': 999}},
    'fsGroup': {'pod': {'fsGroup': 1}},
    'supplementalGroups': {'pod': {'supplementalGroups': [0]}},
    'host namespaces': {'spec': {'hostNetwork': True}},
    'host ports': {'container': {'ports': [{'containerPort': 80, 'hostPort': 80}]}},
    'hostPath': {'spec': {'volumes': [{'name': 'v', 'hostPath': {'path': '/'}}]}},
    'privileged': {'context': {'privileged': True}},
    'allowPrivilegeEscalation': {'context': {'allowPrivilegeEscalation': True}},
    'capabilities.add': {'context': {'capabilities': {'add': ['NET_ADMIN']}}},
    'seccompProfile': {'context': {'seccompProfile': {'type': 'Unconfined'}}},
}


class Cluster(Pair):
    """The standing site, whose cluster gets the looks of OpenShift."""

    def __init__(self) -> None:
        super().__init__()
        self.site = Site()
        file = self.lab.state_dir / 'openshift.json'
        file.write_text(json.dumps(VARIABLES), encoding='utf-8')
        self.variables = ('-e', f'@{file}')

    def switch(self, state: str) -> None:
        """The stand-in, on or off."""
        subprocess.run([sys.executable, '-m', 'lab', 'openshift', state], cwd=ROOT, check=True, stdin=subprocess.DEVNULL)

    def items(self, kind: str, *options: str) -> list[dict[str, t.Any]]:
        """Objects in the server's namespace."""
        found: list[dict[str, t.Any]] = json.loads(self.site.kubectl('-n', 'wandb', 'get', kind, '-o', 'json', *options))['items']
        return found

    def asked(self, *arguments: str, data: str | None = None) -> subprocess.CompletedProcess[str]:
        """kubectl, whose answer may well be no."""
        command = ['kubectl', '--kubeconfig', str(self.lab.state_dir / 'kubeconfig'), *arguments]
        return subprocess.run(command, input=data, capture_output=True, text=True, check=False)

    def may_use(self, scc: str, account: str) -> bool:
        """Whether a service account of the server's namespace may use an SCC there."""
        right = ('use', f'securitycontextconstraints.security.openshift.io/{scc}')
        return self.asked('-n', 'wandb', 'auth', 'can-i', *right, f'--as=system:serviceaccount:wandb:{account}').stdout.strip() == 'yes'

    def dry_run(self, namespace: str, pod: dict[str, t.Any]) -> str:
        """What the API server says to a pod."""
        return self.asked('-n', namespace, 'create', '--dry-run=server', '-f', '-', data=json.dumps(pod)).stderr


def pod(change: dict[str, dict[str, t.Any]]) -> dict[str, t.Any]:
    """A pod that restricted-v2 admits, but for the change."""
    container = {'name': 'c', 'image': 'lab/sh', **change.get('container', {})}
    if 'context' in change:
        container['securityContext'] = change['context']
    spec = {'containers': [container], 'securityContext': change.get('pod', {}), **change.get('spec', {})}
    return {'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': 'drill'}, 'spec': spec}


def looks(drill: Cluster) -> None:
    """The stand-in refuses what it must, and nothing else."""
    drill.switch('on')
    drill.wait('the namespaces have ranges of ids', lambda: uid_range(drill, 'wandb') and uid_range(drill, 'wandb-operator'), 30)
    must(uid_range(drill, 'wandb') != uid_range(drill, 'wandb-operator'), 'each its own')
    # Those that the level of PodSecurity refuses too are tried where there is none.
    drill.site.kubectl('create', 'namespace', 'drill-openshift')
    try:
        drill.wait('a new namespace gets one', lambda: uid_range(drill, 'drill-openshift'), 30)
        drill.wait('a pod without any context is admitted', lambda: not drill.dry_run('drill-openshift', pod({})), 30)
        for what, change in REFUSED.items():
            said = drill.dry_run('drill-openshift', pod(change))
            must('restricted-v2' in said and what in said, f'{what}: {said.strip()[-150:]}')
        drill.site.kubectl('-n', 'drill-openshift', 'create', 'rolebinding', 'wider', '--clusterrole=system:openshift:scc:privileged',
                           '--serviceaccount=drill-openshift:default')
        drill.wait('who may use the SCC privileged is not held to it', lambda: not drill.dry_run('drill-openshift', pod(REFUSED['hostPath'])), 30)
    finally:
        drill.site.kubectl('delete', 'namespace', 'drill-openshift', '--wait=false')


def uid_range(drill: Cluster, namespace: str) -> tuple[int, int] | None:
    """First id and size."""
    annotations = json.loads(drill.site.kubectl('get', 'namespace', namespace, '-o', 'json'))['metadata'].get('annotations') or {}
    text = annotations.get('openshift.io/sa.scc.uid-range')
    return (int(text.split('/')[0]), int(text.split('/')[1])) if text else None


def refused(drill: Cluster) -> None:
    """Without our context for OpenShift the new pods are refused, and the old ones serve on."""
    ids = ('-e', '{"wandb_server_security_context": {"run_as_user": 998}, "wandb_server_timeout": 120}')
    drill.play('wandb', *ids, fails='admission_refused')
    must(drill.site.request('GET', f'https://{HOST}/ready').status == 200, 'the old pods serve on')
    drill.play('preflight', fails='wandb_server_security_context')


def admitted(drill: Cluster) -> None:
    """With it all pods are admitted and run as ids of the namespace; Routes serve instead of the Ingress."""
    drill.play('platform', *drill.variables)
    drill.play('wandb', *drill.variables)
    first, size = uid_range(drill, 'wandb') or (0, 0)
    pods = [one for one in drill.items('pods') if not one['metadata'].get('deletionTimestamp')]
    must(pods and all(one['status']['phase'] in ('Running', 'Succeeded') for one in pods), f'{len(pods)} pods run')
    for one in pods:
        context = one['spec']['securityContext']
        must(first <= context['runAsUser'] < first + size and first <= context['fsGroup'] < first + size and context['runAsGroup'] == 0,
             f'{one["metadata"]["name"]}: user {context["runAsUser"]}, volumes of group {context["fsGroup"]}, group 0')
    shown = ('sh', '-c', 'ps -eo uid,args | grep "[s]tandins/run app" | while read uid rest; do echo $uid; done')
    drill.wait(f'on the node the app runs as {first}, the pod before has ended', lambda: set(drill.on('kube-1', *shown).split()) == {str(first)}, 60)
    drill.play('preflight', *drill.variables)
    must(drill.changed(drill.play('platform', *drill.variables)) + drill.changed(drill.play('wandb', *drill.variables)) == 0, 'a further run changes nothing')


def served(drill: Cluster) -> None:
    """From outside, by Nginx and the router."""
    must(not drill.items('ingress'), 'there is no Ingress')
    routes = {one['metadata']['name']: one for one in drill.items('routes')}
    must({'wandb', 'wandb-console'} == set(routes), f'Routes: {", ".join(sorted(routes))}')
    must(all(one['status']['ingress'][0]['conditions'][0]['status'] == 'True' for one in routes.values()), 'the router admits them')
    for path in ('/ready', '/console/api/ready'):
        answer = drill.site.request('GET', f'https://{HOST}{path}')
        must((answer.status, answer.headers.get('x-lab-stand-in')) == (200, 'openshift-router'), f'{path} is answered, by the router')
    drill.site.make_run()
    drill.play('verify', *drill.variables)
    cas = drill.items('configmaps', '--field-selector=metadata.name=wandb-custom-ca')[0]['data']
    bundle = drill.items('configmaps', '--field-selector=metadata.name=wandb-trusted-ca')[0]['data']['ca-bundle.crt']
    must(bundle.strip() in {one.strip() for one in cas.values()}, 'the pods trust what the cluster trusts')
    must([drill.may_use('nonroot-v2', account) for account in ('wandb-app', 'wandb-console')] == [True, False], 'one service account may use the wider SCC')


def back(drill: Cluster) -> None:
    """The site as it was; what was OpenShift's is gone."""
    drill.play('platform')
    must(not drill.items('routes'), 'the Routes are gone')
    must(not drill.may_use('nonroot-v2', 'wandb-app'), 'and the right to use the wider SCC')
    # Before: it would refuse the pods of plain Kubernetes.
    drill.switch('off')
    drill.play('wandb')
    must(drill.items('ingress'), 'the Ingress is back')
    must(drill.site.request('GET', f'https://{HOST}/ready').status == 200, 'it answers')
    must(drill.changed(drill.play('platform')) + drill.changed(drill.play('wandb')) == 0, 'a further run changes nothing')


def main() -> None:
    """Entry point; with names of steps, those alone."""
    drill = Cluster()
    for step in steps(looks, refused, admitted, served, back):
        step(drill)
    say('all of it holds')


if __name__ == '__main__':
    main()
