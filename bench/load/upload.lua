-- For wrk: every request is a POST of as many bytes as the environment says.
wrk.method = "POST"
wrk.body = string.rep("x", tonumber(os.getenv("UPLOAD_BYTES")))
