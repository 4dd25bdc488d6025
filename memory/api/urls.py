"""The API of the memory floor: knowledge. Conversations are shown where their agents are."""

from django.urls import path

from memory.api import reembedding, searching, views

urlpatterns = [
    path("collections/", views.CollectionsView.as_view(), name="api-collections"),
    path("collections/<uuid:row_id>/", views.CollectionView.as_view(), name="api-collection"),
    path("collections/<uuid:row_id>/documents/", views.DocumentsView.as_view(), name="api-documents"),
    path("collections/<uuid:row_id>/search/", searching.CollectionSearchView.as_view(), name="api-collection-search"),
    path("collections/<uuid:row_id>/reembedding/", reembedding.ReembeddingView.as_view(), name="api-reembedding"),
    path("documents/<uuid:row_id>/", views.DocumentView.as_view(), name="api-document"),
    path("documents/<uuid:row_id>/index/", views.IndexView.as_view(), name="api-document-index"),
    path("documents/<uuid:row_id>/passages/", views.PassagesView.as_view(), name="api-passages"),
    path("search/", searching.SearchView.as_view(), name="api-search"),
]
