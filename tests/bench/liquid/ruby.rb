# ruby.rb SECONDS FOLDER... - renders a second of each fixture, parsed once, partials cached.
require "json"
require "liquid"

class Partials
  def initialize(folder)
    @folder = folder
  end

  def read_template_file(name)
    File.read(File.join(@folder, name))
  end
end

def rounds(template, data, registers, limit)
  begun = Process.clock_gettime(Process::CLOCK_MONOTONIC)
  n = 0
  took = 0.0
  while took < limit
    8.times { template.render(data, registers: registers) }
    n += 8
    took = Process.clock_gettime(Process::CLOCK_MONOTONIC) - begun
  end
  n / took
end

seconds = ARGV.shift.to_f
ARGV.each do |folder|
  Liquid::Template.file_system = Partials.new(File.join(folder, "templates"))
  template = Liquid::Template.parse(File.read(File.join(folder, "templates/index.liquid")))
  data = JSON.parse(File.read(File.join(folder, "data.json")))
  registers = {}
  if seconds.zero?
    print template.render(data, registers: registers)
  else
    rounds(template, data, registers, seconds / 2)
    puts rounds(template, data, registers, seconds).round
  end
end
