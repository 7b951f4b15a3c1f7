"""An SBOM in SPDX 2.3: what was linked into which program, and which programs and Debian packages are in which image."""

import hashlib
import json
import re
from datetime import datetime, timezone
from urllib.parse import quote

TOOL = "Tool: loam-payload"
DOCUMENT = "SPDXRef-DOCUMENT"


def identity(*words):
    return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]+", "-", "-".join(words))


def modules_in(text):
    """Path, version and go.sum's hash of all that "go version -m" names, the standard library first."""
    lines = text.splitlines()
    modules = [("stdlib", lines[0].split()[-1].removeprefix("go"), "")]
    for fields in filter(None, map(str.split, lines[1:])):
        if fields[0] == "=>":
            modules.pop()  # replaced by this one
        if fields[0] in ("dep", "=>"):
            modules.append((*fields[1:], "")[:3])
    return modules


def purl(kind, name, version, qualifiers=""):
    locator = f"pkg:{kind}/{name}@{quote(version, safe='')}{qualifiers}"
    return [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": locator}]


class Sbom:
    def __init__(self, epoch):
        self.created = datetime.fromtimestamp(epoch, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.packages, self.relations = {}, set()

    def relate(self, one, kind, other):
        self.relations.add((one, kind, other))

    def add(self, key, name, version, sha256=None, **more):
        if sha256:
            more["checksums"] = [{"algorithm": "SHA256", "checksumValue": sha256}]
        self.packages[key] = {"SPDXID": key, "name": name, "versionInfo": version, "downloadLocation": "NOASSERTION", "filesAnalyzed": False,
                              "licenseConcluded": "NOASSERTION", "licenseDeclared": "NOASSERTION", "copyrightText": "NOASSERTION"} | more
        return key

    def add_module(self, path, version, sum_):
        more = {"externalRefs": purl("golang", path, version)}
        if sum_:  # over the list of the module's files: no checksum in SPDX's sense
            more["annotations"] = [{"annotationType": "OTHER", "annotator": TOOL, "annotationDate": self.created, "comment": f"go.sum: {sum_}"}]
        return self.add(identity("go", path, version), path, version, **more)

    def add_debian(self, place, deb):
        """A Debian package; place tells those of the images from those of the toolbox."""
        return self.add(identity(place, deb["name"]), deb["name"], deb["version"], deb.get("sha256"), supplier="Organization: Debian",
                        sourceInfo=f"built from source package {deb['source']} {deb['source_version']}",
                        externalRefs=purl("deb/debian", deb["name"], deb["version"], f"?arch={deb['architecture']}&distro=debian-13"))

    def add_program(self, component, name, version, sha256):
        return self.add(identity("program", component, name), f"{component}/{name}", version, sha256, primaryPackagePurpose="APPLICATION")

    def add_image(self, name, digest):
        return self.add(identity("image", name), *name.rsplit(":", 1), digest.removeprefix("sha256:"), primaryPackagePurpose="CONTAINER")

    def document(self):
        content = {"packages": [self.packages[key] for key in sorted(self.packages)],
                   "relationships": [{"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}
                                     for one, kind, other in sorted(self.relations)]}
        namespace = hashlib.sha256(json.dumps(content).encode()).hexdigest()
        return {"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": DOCUMENT, "name": "loam-payload",
                "documentNamespace": f"https://loam.dev/spdx/payload-{namespace}",
                "creationInfo": {"created": self.created, "creators": [TOOL]}} | content
