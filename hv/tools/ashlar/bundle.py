# SPDX-License-Identifier: BSD-2-Clause
"""A bundle: one newc archive with the compiled vms.dts first, then each file that it names, once.

hv gets it from the boot loader as the initrd. The names in the archive are the names in vms.dts.
"""
import os
import posixpath
import subprocess

from ashlar import fdt, newc
from ashlar.common import ToolError

SOURCE = "vms.dts"
TREE = "vms.dtb"
# The properties that name a file of the bundle: of a VM, and of a device below it by the node's name.
FILE_PROPERTIES = ("kernel", "ramdisk", "dtb")
DEVICE_FILE_PROPERTIES = {"virtio_blk": ("image",)}


class BundleError(ToolError):
    """What is wrong with a bundle's folder: file, node, property, value, and what is allowed."""

    @classmethod
    def at(cls, source, node, name, value, allowed):
        return cls(f"{source}: node {node.path}, property {name} = {value}: {allowed}")


def compile_tree(source):
    """vms.dts -> the bytes of vms.dtb, by dtc."""
    if not os.path.isfile(source):
        raise BundleError(f"{source}: there is no such file; a bundle's folder holds a {SOURCE} and the files it names")
    command = ["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", "-", source]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              check=False)
    except FileNotFoundError:
        raise BundleError("dtc is not here (Debian: apt-get install device-tree-compiler)") from None
    if done.returncode:
        raise BundleError(f"{source}: dtc does not accept it:\n{done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def virtual_machines(root, source):
    """The VM nodes below /vms."""
    home = root.child("vms")
    if home is None:
        raise BundleError(f"{source}: no node /vms; the VMs are its children")
    found = [node for node in home.children
             if fdt.strings(node.properties.get("device_type", b"")) == ["virtual_machine"]]
    if not found:
        raise BundleError(f"{source}: node /vms has no child with device_type = \"virtual_machine\"")
    return found


def file_name(source, node, name, value):
    """A property's value as the name of a file in the bundle."""
    words = fdt.strings(value)
    if words is None or len(words) != 1 or not words[0]:
        raise BundleError.at(source, node, name, fdt.show(value), "allowed is one string, the name of a file")
    word = words[0]
    if posixpath.normpath(word) != word or word.startswith("/") or word.split("/")[0] in (".", ".."):
        raise BundleError.at(source, node, name, fdt.show(value),
                             "allowed is a name inside the bundle's folder, without / in front, . or ..")
    if word == TREE:
        raise BundleError.at(source, node, name, fdt.show(value), f"allowed is any other name: {TREE} is the "
                             "configuration itself")
    return word


def file_properties(vm):
    """(node, property) of all that names a file, for a VM's node."""
    yield from ((vm, name) for name in FILE_PROPERTIES if name in vm.properties)
    for device in vm.children:
        kind = device.path.rsplit("/", 1)[1].split("@")[0]
        yield from ((device, name) for name in DEVICE_FILE_PROPERTIES.get(kind, ()) if name in device.properties)


def named_files(tree, source, folder):
    """The names of the files that the VMs need, each once, in the order of their mention."""
    names = []
    for vm in virtual_machines(fdt.parse(tree), source):
        for node, name in file_properties(vm):
            value = node.properties[name]
            word = file_name(source, node, name, value)
            if not os.path.isfile(os.path.join(folder, word)):
                raise BundleError.at(source, node, name, fdt.show(value),
                                     f"there is no file {os.path.join(folder, word)}")
            if word not in names:
                names.append(word)
    return names


def present_files(tree, folder):
    """The names that are there of those that any VM has, right or wrong: what is missing is for others to say."""
    names = []
    home = fdt.parse(tree).child("vms")
    for vm in home.children if home else []:
        for node, name in file_properties(vm):
            for word in fdt.strings(node.properties[name]) or []:
                path = os.path.normpath(os.path.join(folder, word))
                if word != TREE and word not in names and path.startswith(os.path.join(os.path.normpath(folder), "")) \
                        and os.path.isfile(path):
                    names.append(word)
    return names


def write(folder, out, complete=True):
    """Write the bundle of `folder` to the binary file object `out`; returns the names in it.

    complete: a mistake in vms.dts is refused; else it is left to whoever reads the bundle.
    """
    source = os.path.join(folder, SOURCE)
    tree = compile_tree(source)
    names = named_files(tree, source, folder) if complete else present_files(tree, folder)
    archive = newc.Writer(out)
    archive.file(TREE, tree, mtime=os.stat(source).st_mtime)
    for name in names:
        try:
            with open(os.path.join(folder, name), "rb") as f:
                archive.file(name, f.read(), mtime=os.fstat(f.fileno()).st_mtime)
        except (OSError, newc.NewcError) as error:
            raise BundleError(f"{os.path.join(folder, name)}: {error}") from None
    archive.close()
    return [TREE, *names]
