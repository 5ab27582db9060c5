  // What hpq_fork promises; stands at the end of a copy of the module. It holds no beat, so that a beat offered
  // stays until it is taken (as AXI4-Stream says).
  logic f_started = 1'b0;
  always_ff @(posedge clk) f_started <= 1'b1;
  always_comb assume (f_started || rst);

  logic               f_waits;  // a beat that was offered and not taken
  logic [  WIDTH-1:0] f_value;
  logic [OUTPUTS-1:0] f_has, f_waited, f_take;  // has the present beat; was offered it and did not take it
  assign f_take = out_valid & out_ready;
  always_ff @(posedge clk) begin
    f_waits  <= !rst && in_valid && !in_ready;
    f_value  <= in_data;
    f_waited <= rst ? '0 : out_valid & ~out_ready;
    f_has    <= (rst || (in_valid && in_ready)) ? '0 : f_has | f_take;
  end

  always_comb begin
    if (f_waits) assume (in_valid && in_data == f_value);
    if (f_started) begin
      assert (out_valid == ({OUTPUTS{in_valid}} & ~f_has));
      assert (out_data == in_data);
      assert (in_ready == &(f_has | out_ready));
      if (in_valid && in_ready) assert (&(f_has | f_take) && (f_has & f_take) == '0);
      assert ((f_waited & ~out_valid) == '0);
      if (f_waited != '0) assert (out_data == f_value);
      // What makes the above inductive.
      assert (served == f_has);
      if (!f_waits) assert (f_has == '0);
    end
    cover (f_started && in_valid && in_ready && f_has != '0 && f_waits);
    cover (f_started && in_valid && in_ready && f_has == '0);
  end
