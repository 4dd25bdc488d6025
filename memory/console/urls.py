"""Where knowledge is. Files are sent below an address of their own, since more may be sent there."""

from django.urls import path

from memory.console import documents, reembedding, searching, shelves, uploading

app_name = "knowledge"

urlpatterns = [
    path("knowledge/", shelves.index, name="index"),
    path("knowledge/search/", searching.everywhere, name="search"),
    path("knowledge/upload/<uuid:collection_id>/", uploading.upload, name="upload"),
    path("knowledge/<uuid:collection_id>/", shelves.show, name="collection"),
    path("knowledge/<uuid:collection_id>/search/", searching.within, name="collection-search"),
    path("knowledge/<uuid:collection_id>/reembedding/", reembedding.begin, name="reembed"),
    path("knowledge/<uuid:collection_id>/reembedding/cancel/", reembedding.cancel, name="reembed-cancel"),
    path("documents/<uuid:document_id>/", documents.show, name="document"),
    path("documents/<uuid:document_id>/dates/", documents.date, name="date"),
    path("documents/<uuid:document_id>/archive/", documents.archive, name="archive"),
    path("documents/<uuid:document_id>/trust/", documents.trust, name="trust"),
    path("documents/<uuid:document_id>/index/", documents.index, name="index-document"),
    path("documents/<uuid:document_id>/forget/", documents.forget, name="forget"),
]
