"""Write a comparison as one HTML file that opens anywhere, a contact sheet and tables; several as a summary.

It reads only what a comparison stores in its folder; `sinct.compare` runs the methods.
"""

from sinct.report.page import write_report
from sinct.report.summary import write_summary

__all__ = ["write_report", "write_summary"]
