"""Every setting of a search, and where anything is computed: `SearchConfig`, which has all settings of a `Compute`.

Read `search_config` first, then `compute`. `values` has the kinds of values, `commented` what `haemsa config` prints.
"""

from haemsa.cluster.config.commented import commented_yaml, default_bounds
from haemsa.cluster.config.compute import Compute
from haemsa.cluster.config.search_config import DEFAULT_EVALUATIONS, SearchConfig
from haemsa.cluster.config.values import parse_duration

__all__ = ["DEFAULT_EVALUATIONS", "Compute", "SearchConfig", "commented_yaml", "default_bounds", "parse_duration"]
