# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A wait that knows what it waits for, for how long, and why in vain. Clock and observer are passed in."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.wandb.onprem.plugins.module_utils.kube.errors import ApiError, KubeError, UnreachableError
from ansible_collections.wandb.onprem.plugins.module_utils.kube.waiter import Cause, Progress, WaitError
from ansible_collections.wandb.onprem.plugins.module_utils.server import causes as reasons
from ansible_collections.wandb.onprem.plugins.module_utils.server.observed import Observed
from ansible_collections.wandb.onprem.plugins.module_utils.server.observer import Observer
from ansible_collections.wandb.onprem.plugins.module_utils.server.readiness import Missing

Document = dict[str, t.Any]

# Takes what was seen and the causes that would end the wait; True = something was mended, the wait goes on.
Mender = t.Callable[[Observed, t.Sequence[Cause]], bool]
NOT_WAITED: Document = {'waited': [], 'waited_seconds': 0.0}


class ServerError(KubeError):
    """The server did not come to the state wanted; ``result`` goes into the module's result."""

    def __init__(self, message: str, **result: t.Any) -> None:
        super().__init__(message)
        self.result = result


def nothing_to_mend(dummy_observed: Observed, dummy_causes: t.Sequence[Cause]) -> bool:
    """The mender of a wait that only waits."""
    return False


class Clocked:
    """A probe for the waiter: each cause has to last for its own time, and the seconds spent in each stage are added up."""

    def __init__(self, observer: Observer, clock: t.Callable[[], float] = time.monotonic, mend: Mender = nothing_to_mend) -> None:
        self._observer = observer
        self._clock = clock
        self._mend = mend
        self._since: dict[tuple[str, str], float] = {}
        self._last: tuple[str, float] | None = None
        self.seconds: dict[str, float] = {}
        self.observed = Observed()
        self.lacking: list[Missing] = []
        self.progressing: list[Cause] = []

    def __call__(self, **known: t.Any) -> Progress:
        found: list[Cause] = []
        try:
            self.observed, self.lacking = self._observer.look(**known)
            if self.lacking:
                self.observed = self._observer.details(self.observed, self.lacking)
                found = reasons.causes(self.observed, self._observer.wanted)
            self.progressing = reasons.progressing(self.observed, self._observer.wanted)
        except (UnreachableError, ApiError) as error:
            # A wait of many minutes outlives the restart of an API server.
            if isinstance(error, ApiError) and error.status < 500:
                raise
            self.lacking = [Missing('api', str(error))]
            found = [Cause('api_unreachable', 'API server', str(error))]
        now = self._clock()
        if self._last is not None:
            stage, since = self._last
            self.seconds[stage] = self.seconds.get(stage, 0.0) + now - since
        if not self.lacking:
            return Progress(True)
        self._last = (self.lacking[0].stage, now)
        self._since = {(one.code, one.subject): self._since.get((one.code, one.subject), now) for one in found}
        lasted = {one: now - self._since[one.code, one.subject] for one in found}
        fatal = tuple(one for one in found if lasted[one] >= reasons.PATIENCE[one.code])
        missing = '; '.join(one.text for one in self.lacking)
        if fatal and self._mend(self.observed, fatal):
            # What is seen from now on counts anew, and has its whole time again.
            self._observer.wanted = reasons.forgiven(self.observed, self._observer.wanted)
            self._since = {}
            return Progress(False, missing)
        return Progress(False, missing, tuple(one for one in found if lasted[one] >= reasons.EVIDENT.get(one.code, 0.0)), fatal)

    def waited(self) -> list[Document]:
        """What was waited for, and how long."""
        return [{'stage': stage, 'seconds': round(seconds, 1)} for stage, seconds in self.seconds.items()]


def explained(error: WaitError, probe: Clocked, observer: Observer, hint: str = '') -> ServerError:
    """The failure with causes, logs and what was still missing. ``hint``: what the user can do about it."""
    found = reasons.told(error.causes, probe.progressing)
    logs = observer.logs_of(found, probe.observed.pods)
    missing = [one.text for one in probe.lacking]
    told = '; '.join(f'{one}' + (f' (last line of its log: {logs[one.subject][-1]})' if one.subject in logs else '') for one in found)
    where = f'{observer.wanted.namespace}/{observer.wanted.name}'
    message = f'the server {where} is not ready after {error.seconds:.0f} s. {told or "timeout: no cause was found"}.'
    return ServerError(
        f'{message}{" " if hint else ""}{hint} Still missing: {"; ".join(missing)}',
        cause=found[0].code if found else 'timeout',
        causes=[one.as_dict() for one in found],
        missing=missing,
        phase=probe.observed.phase,
        logs=logs,
        waited=probe.waited(),
        waited_seconds=round(error.seconds, 1),
    )
