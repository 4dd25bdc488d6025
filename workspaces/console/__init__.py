"""The console's frame and parts; pages of the upper floors are built from them."""
