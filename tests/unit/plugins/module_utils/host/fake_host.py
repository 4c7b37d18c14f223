# Copyright (c) 2026 wandb.onprem maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host made of texts."""

from __future__ import annotations

import os

from ansible_collections.wandb.onprem.plugins.module_utils.host.probe import Probe


class FakeHost(Probe):
    """``files``: path -> text; ``links``: path -> target; ``commands``: first words of a command -> output; ``folders``: what is one besides
    those that files lie in; ``owners``: path -> (user, group); ``dns``: name -> addresses; ``back``: address -> name; ``open``: (host, port) or
    (host, port) -> OSError; ``programs``: name -> path; ``syncs``: folder -> seconds or an OSError."""

    def __init__(self, **given):
        super().__init__(self._run)
        names = ('files', 'links', 'commands', 'owners', 'dns', 'back', 'open', 'programs', 'syncs')
        self.given = {name: given.get(name, {}) for name in names}
        self.spaces = given.get('spaces', {})
        self.folders = set(given.get('folders', ()))
        for path in [*self.given['files'], *self.given['links'], *self.folders]:
            while path not in ('/', ''):
                path = os.path.dirname(path)
                self.folders.add(path)
        self.asked = []

    def _run(self, argv):
        self.asked.append(argv)
        found = next((output for words, output in self.given['commands'].items() if ' '.join(argv).startswith(words)), None)
        return (127, '') if found is None else (0, found)

    def text(self, path):
        return self.given['files'].get(path, '')

    def exists(self, path):
        return path in self.given['files'] or path in self.folders

    def is_folder(self, path):
        return path in self.folders

    def names(self, path):
        inside = [one for one in [*self.given['files'], *self.given['links'], *self.folders] if one.startswith(f'{path.rstrip("/")}/')]
        return sorted({one[len(path.rstrip('/')) + 1:].split('/')[0] for one in inside})

    def link(self, path):
        return self.given['links'].get(path, '')

    def real(self, path):
        return self.given['links'].get(path, path)

    def owner(self, path):
        return self.given['owners'].get(path)

    def space(self, path):
        return self.spaces.get(path, (100, 50))

    def program(self, name):
        return self.given['programs'].get(name, '')

    def sync_times(self, folder, rounds=20, seconds=1.0):
        found = self.given['syncs'][folder]
        if isinstance(found, OSError):
            raise found
        return found

    def addresses(self, name):
        return self.given['dns'].get(name, [])

    def name_of(self, address):
        return self.given['back'].get(address, '')

    def connect(self, host, port, timeout):
        found = self.given['open'].get((host, port))
        if found is not None:
            raise found
