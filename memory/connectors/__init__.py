"""The built-in connectors of the memory floor: tools on Countersign's own rows, behind the same gate as any other."""
