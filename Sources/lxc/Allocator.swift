/// Sets a parameter of the allocator; the module of the C library leaves it out. Source: mallopt(3).
@_silgen_name("mallopt")
func mallopt(_ parameter: Int32, _ value: Int32) -> Int32
