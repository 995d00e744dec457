"""Problem: the model, the data and the loss that a study trains."""
