require "sinatra/base"

class Shop < Sinatra::Base
  set :environment, :production
  get("/fail") { raise "made to fail" }
end
run Shop
