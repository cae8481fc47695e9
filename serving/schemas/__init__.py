"""The shapes of requests and answers, one file a noun, as the routers."""
