"""A comparison as one HTML file that opens anywhere, a contact sheet and tables; several as a summary."""

from sinct.report.page import write_report
from sinct.report.summary import write_summary

__all__ = ["write_report", "write_summary"]
