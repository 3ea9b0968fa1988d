"""The peer: the usual Dash dashboard, px.scatter on a frame in memory, with dropdowns for x, y and colour.

CLOUDS=FOLDER ROWS=10000,1000000 gunicorn -w 2 --preload -b 127.0.0.1:8101 app:server
"""

import os
from pathlib import Path

import pandas as pd
import plotly.express as px
from dash import Dash, Input, Output, dcc, html

FOLDER = Path(os.environ["CLOUDS"])
FRAMES = {rows: pd.read_parquet(FOLDER / f"clouds_{rows}.parquet") for rows in os.environ["ROWS"].split(",")}
AXES = ["x", "y", "z"]

app = Dash(__name__, title="peer")
server = app.server
app.layout = html.Div(
    [
        dcc.Location(id="url"),
        dcc.Dropdown(id="x", options=AXES, value="x", clearable=False),
        dcc.Dropdown(id="y", options=AXES, value="y", clearable=False),
        dcc.Graph(id="graph", style={"width": "900px", "height": "560px"}),
    ]
)


@app.callback(Output("graph", "figure"), Input("x", "value"), Input("y", "value"), Input("url", "pathname"))
def scatter(x, y, path):
    return px.scatter(FRAMES[path.strip("/")], x=x, y=y, color="cat")
