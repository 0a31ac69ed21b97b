# ruby.rb - templates and data, a JSON object a line, to {"out"} or {"error"}, a line each.
require "json"
require "liquid"

ENV["TZ"] = "UTC"
$stdout.sync = false
$stdin.each_line do |line|
  test = JSON.parse(line)
  begin
    template = Liquid::Template.parse(test["template"], error_mode: :strict)
    answer = { out: template.render!(test["data"], strict_filters: true) }
  rescue StandardError, SystemStackError => e
    answer = { error: e.message }
  end
  puts JSON.generate(answer)
end
