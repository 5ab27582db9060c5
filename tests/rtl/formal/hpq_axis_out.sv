  // What hpq_axis_out promises; stands at the end of a copy of the module. Beats are counted at the port.
  logic f_started = 1'b0;
  always_ff @(posedge clk) f_started <= 1'b1;
  always_comb assume (f_started || rst);

  localparam int F_W = $clog2(BEATS + 1);
  logic [F_W-1:0] f_beat;
  logic           f_waits, f_last;
  always_ff @(posedge clk) begin
    f_waits <= !rst && tvalid && !tready;
    f_last  <= tlast;
    if (rst) f_beat <= '0;
    else if (tvalid && tready) f_beat <= (32'(f_beat) == BEATS - 1) ? '0 : f_beat + 1'b1;
  end

  always_comb begin
    if (f_waits) assume (in_valid);
    if (f_started) begin
      assert (tvalid == in_valid && in_ready == tready);
      assert (tdata == (8 * BYTES)'(in_data));
      assert (tkeep == '1 && tstrb == '1);
      assert (tlast == (32'(f_beat) == BEATS - 1));
      if (f_waits) assert (tvalid && tlast == f_last);
      // What makes the above inductive.
      assert (32'(f_beat) < BEATS);
      assert (F_W'(beat) == f_beat);
    end
    cover (f_started && f_waits && tvalid && tready);
    if (BEATS <= 8) cover (f_started && tvalid && tready && tlast);
  end
