"""Says, as JSON, where the installed hpq_hls finds itself and its data; imports nothing else."""

import json
import sys

import hpq_hls
from hpq_hls.resources import hw_sim_dir, templates_dir

places = {"package": hpq_hls.__file__, "templates": str(templates_dir()), "hw_sim": str(hw_sim_dir())}
print(json.dumps({"version": hpq_hls.__version__, "path": sys.path, **places}))
