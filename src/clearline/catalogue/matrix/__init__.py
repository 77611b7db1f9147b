"""The priority matrix: which priority and severity follow from impact, urgency as asked, and the company's tier.
Tables: priority_matrix.
Events: priority_matrix.changed.
"""
