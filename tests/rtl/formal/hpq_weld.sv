  // What hpq_weld promises; stands at the end of a copy of the module. One beat of each input goes in at a time, where
  // there is a place for it, and in the cycle after that it is there in the order of the table.
  logic f_started = 1'b0;
  always_ff @(posedge clk) f_started <= 1'b1;
  always_comb assume (f_started || rst);

  logic f_take;
  logic [LANES*WIDTH-1:0] f_value;
  assign f_take = out_valid && out_ready;
  always_ff @(posedge clk) f_value <= in_data;

  always_comb begin
    assert (out_valid == &in_valid);
    assert (in_ready == {INPUTS{f_take}});
    cover (f_started && f_take);
  end
  for (genvar i = 0; i < LANES; i++) begin : f_element
    localparam int FROM = INDEX[i*32+:32];
    always_comb begin
      if (f_started) assert (out_data[i*WIDTH+:WIDTH] == f_value[FROM*WIDTH+:WIDTH]);
    end
  end

