# SPDX-License-Identifier: BSD-2-Clause
"""The order of the test files: several run at the same time, and what begins last must not take long."""

# Where most of the time goes. The others follow in the order of their names.
LONGEST = ["test_kvm_linux.py", "test_kvm_reporters.py", "test_kvm_unkind.py", "test_kvm_fidelity.py", "test_kvm_failure.py",
           "test_kvm_page.py"]


def pytest_collection_modifyitems(items):
    place = {name: index for index, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.name, len(LONGEST)))
