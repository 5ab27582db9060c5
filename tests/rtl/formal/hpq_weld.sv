  // What hpq_weld promises; stands at the end of a copy of the module. One beat of each input goes in at a time,
  // and leaves in the order of the table.
  logic f_started = 1'b0;
  always_ff @(posedge clk) f_started <= 1'b1;
  always_comb assume (f_started || rst);

  logic f_full, f_waited, f_take, f_pop;
  logic [LANES*WIDTH-1:0] f_value;
  assign f_take = &(in_valid & in_ready);
  assign f_pop  = out_valid && out_ready;
  always_ff @(posedge clk) begin
    f_waited <= !rst && out_valid && !out_ready;
    if (rst) f_full <= 1'b0;
    else f_full <= f_take || (f_full && !f_pop);
    if (f_take) f_value <= in_data;
  end

  always_comb begin
    if (f_started) begin
      assert (in_ready == {INPUTS{&in_valid && (!out_valid || out_ready)}});
      assert (out_valid == f_full);
      if (f_waited) assert (out_valid);
    end
    cover (f_started && f_waited && f_pop && f_take);
  end
  for (genvar i = 0; i < LANES; i++) begin : f_element
    localparam int FROM = INDEX[i*32+:32];
    always_comb begin
      if (f_started && f_full) assert (out_data[i*WIDTH+:WIDTH] == f_value[FROM*WIDTH+:WIDTH]);
    end
  end
