"""The pages of knowledge: collections, their documents with their passages, and looking for passages."""
