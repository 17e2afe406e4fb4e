"""What the workers get of a search: candidates as jobs, in cohorts, and near the end in parts of jobs.

Read `jobs` (a candidate with the weights from which it goes on), then `cohorts` (who trains together) and `split_jobs`
(one job on several workers).
"""
