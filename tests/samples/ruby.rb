# frozen_string_literal: true

# Copyright 2020 X
require "json"
require_relative 'lib/shop'

# Sells things.
module Shop
  LIMIT = 10
  # A cart.
  class Cart < Base
    include Comparable
    attr_reader :items

    # Adds one.
    def add(item, count: 1)
      def hidden; end
      @items << item
    end

    def self.build(*args)
      new(*args)
    end

    class << self
      def create; end
    end

    private

    def secret? = true
  end

  module_function

  def run
  end
end

Point = Struct.new(:x, :y) do
  def dist; end
end

class Shop::Error < StandardError; end
alias_method :a, :b
