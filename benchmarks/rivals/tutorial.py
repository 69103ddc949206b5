"""Service as in a tutorial: FastAPI, `model.predict`, scikit-learn's nearest neighbours.

`python -m benchmarks.rivals.tutorial PORT RELEASE NETWORK`
"""

import io
import sys
from pathlib import Path
from typing import Annotated

import keras
import numpy as np
import uvicorn
from fastapi import Body, FastAPI
from PIL import Image
from sklearn.neighbors import NearestNeighbors

from embeddings.release.reader import open_release


def create_app(folder: Path, network: Path) -> FastAPI:
    """Return the application for the embeddings of a release and their Keras network."""
    release = open_release(folder)
    model = keras.saving.load_model(network)
    height, width = model.input_shape[1:3]
    neighbors = NearestNeighbors(n_neighbors=4).fit(release.embeddings)
    app = FastAPI()

    @app.get("/neighbors")
    def near(id: str) -> dict[str, object]:
        embedding = release.embeddings[release.rows[id]]
        distances, rows = neighbors.kneighbors(embedding[np.newaxis])
        found = [
            {"id": release.images.ids[row], "distance": float(distance)}
            for distance, row in zip(distances[0], rows[0], strict=True)
            if release.images.ids[row] != id
        ]
        return {"neighbors": found[:3]}

    @app.post("/predict")
    async def predict(
        jpeg: Annotated[bytes, Body(media_type="image/jpeg")],
    ) -> dict[str, object]:
        image = Image.open(io.BytesIO(jpeg)).convert("RGB").resize((width, height))
        probabilities = model.predict(np.asarray(image)[np.newaxis], verbose=0)[0]
        classes = release.manifest.classes
        return {
            "label": classes[int(np.argmax(probabilities))],
            "probabilities": dict(zip(classes, probabilities.tolist(), strict=True)),
        }

    return app


def main() -> None:
    """Serve until stopped."""
    port, release, network = sys.argv[1:]
    app = create_app(Path(release), Path(network))
    uvicorn.run(app, port=int(port), log_level="warning")


if __name__ == "__main__":
    main()
