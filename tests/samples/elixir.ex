# Copyright 2020 X
defmodule Shop.Cart do
  @moduledoc """
  A cart.
  """
  use GenServer
  alias Shop.Item
  import Ecto.Query, only: [from: 2]
  require Logger
  @limit 10
  defstruct [:a]
  @type t :: %__MODULE__{}

  @doc "Adds one."
  @spec add(t, term) :: t
  def add(cart, item) when is_list(item) do
    cart
  end
  def one(x), do: x
  defp hidden(x), do: x
  defmacro mac(x) do x end
  defguard is_x(y) when y > 1
  defmodule Inner do
    def f, do: 1
  end
end
defprotocol P do
  def size(x)
end
defimpl P, for: List do
  def size(x), do: 1
end
