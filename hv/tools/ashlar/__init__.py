# SPDX-License-Identifier: BSD-2-Clause
"""What the host scripts share. Python 3 standard library only."""
