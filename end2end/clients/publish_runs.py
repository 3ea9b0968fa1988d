"""Publishes runs of scikit-learn models with the openml client: publish_runs.py URL KEY TASK COUNT.

Of each it prints the id, and the time in ms at which its publishing was answered.
"""

import os
import sys
import time
from tempfile import TemporaryDirectory

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"

import openml
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier


def main(url, key, task, count):
    openml.config.server, openml.config.apikey = f"{url}/api/v1/xml", key
    with TemporaryDirectory() as cache:
        openml.config.set_root_cache_directory(cache)
        task = openml.tasks.get_task(int(task))
        for number in range(int(count)):
            model = make_pipeline(SimpleImputer(), DecisionTreeClassifier(min_samples_leaf=number + 1))
            run = openml.runs.run_model_on_task(model, task).publish()
            print(run.id, time.time() * 1000, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
