run ->(env) { raise "made to fail" }
